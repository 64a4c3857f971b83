"""A conversation as a thread: of every call what was new in it, and what was answered; some turns a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from midwatch_core import Direction, Exchange, Outline, Part, Queries
from midwatch_web.calls.attachments import Attachment, attachments_of
from midwatch_web.calls.blocks import Block, blocks_at, joined, segments_of
from midwatch_web.calls.conversation import Placed, Turn, placed_of, turns_of
from midwatch_web.calls.passage import Allowance
from midwatch_web.conversations.novelty import new_places, told_places
from midwatch_web.conversations.timeline import Step, Timeline, timeline_of

# Turns on a page. Each call of a long talk has all that was said before, and is read whole: of those fewer.
_TURNS, _TURNS_OF_LONG, _LONG = 10, 5, 100
# Texts that one turn shows; its own page has all.
_MOST_BLOCKS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadTurn:
    """A call of the thread. `exchange` is None where it was forgotten since the outline was read.

    `asked` is what was new in its request, after `earlier` texts that were said before; `left_out` counts the new ones
    that the page has no room for. `findings` are those in what is shown, `findings_before` counts the others.
    """

    step: Step
    exchange: Exchange | None = None
    asked: tuple[Turn, ...] = ()
    answer: tuple[Turn, ...] = ()
    earlier: int = 0
    left_out: int = 0
    tools_offered: int = 0
    attachments: tuple[Attachment, ...] = ()
    findings: tuple[Placed, ...] = ()
    findings_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """Some turns of a thread; pages count from 1."""

    timeline: Timeline
    turns: tuple[ThreadTurn, ...]
    number: int
    pages: int

    def page_of(self, step: Step) -> int:
        """The page that shows a step."""
        return (step.number - 1) // turns_a_page(self.timeline) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A page's calls as read from the store, by id; those that they go on from among them."""

    timeline: Timeline
    steps: tuple[Step, ...]
    exchanges: Mapping[str, Exchange]
    number: int
    pages: int


def turns_a_page(timeline: Timeline) -> int:
    """How many turns a page of this thread has."""
    return _TURNS if len(timeline.steps) <= _LONG else _TURNS_OF_LONG


async def read_thread(queries: Queries, outline: Outline, number: int) -> Read:
    """Read what a page needs: at most its turns' calls and as many that these go on from."""
    timeline = timeline_of(outline)
    size = turns_a_page(timeline)
    pages = -(-len(timeline.steps) // size)
    number = max(1, min(number, pages))
    steps = timeline.steps[(number - 1) * size : number * size]
    wanted = dict.fromkeys(key for step in steps for key in (step.row.id, step.row.parent_id) if key)
    found = {key: exchange for key in wanted if (exchange := await queries.exchange(key)) is not None}
    return Read(timeline=timeline, steps=steps, exchanges=found, number=number, pages=pages)


def thread_of(read: Read) -> ThreadPage:
    """The page. Findings are numbered through, so that their anchors are one page's."""
    allowance, first_finding = Allowance(), 0
    attached = {key: attachments_of(exchange.request.body) for key, exchange in read.exchanges.items()}
    made: list[_Made] = []
    for step in read.steps:
        exchange = read.exchanges.get(step.row.id)
        parent = read.exchanges.get(step.row.parent_id or "")
        carried = _carried(attached, step)
        made.append(_turn_of(step, exchange, parent, carried, allowance, first_finding))
        first_finding += len(exchange.findings) if exchange else 0
    # A call and its result stand in two turns: they are joined over the page.
    linked = {block.anchor: block for block in joined([block for item in made for block in item.blocks])}
    return ThreadPage(
        timeline=read.timeline,
        turns=tuple(_with_turns(item, linked) for item in made),
        number=read.number,
        pages=read.pages,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    turn: ThreadTurn
    blocks: tuple[Block, ...] = ()


def _carried(attached: Mapping[str, Sequence[Attachment]], step: Step) -> tuple[Attachment, ...]:
    """What a call carried that the one before did not."""
    known = set(attached.get(step.row.parent_id or "", ()))
    return tuple(item for item in attached.get(step.row.id, ()) if item not in known)


def _turn_of(
    step: Step,
    exchange: Exchange | None,
    parent: Exchange | None,
    carried: tuple[Attachment, ...],
    allowance: Allowance,
    first_finding: int,
) -> _Made:
    if exchange is None:
        return _Made(turn=ThreadTurn(step=step))
    fresh = new_places(exchange, parent)
    places = [(Direction.REQUEST, number) for number in fresh]
    places += [(Direction.RESPONSE, number) for number in range(len(segments_of(exchange, Direction.RESPONSE)))]
    shown = places if len(places) <= _MOST_BLOCKS else [*places[:20], *places[20 - _MOST_BLOCKS :]]
    numbered = list(enumerate(exchange.findings, start=first_finding))
    paths = {(side, segments_of(exchange, side)[number].path) for side, number in shown}
    inside = [item for item in numbered if not item[1].path or (item[1].direction, item[1].path) in paths]
    turn = ThreadTurn(
        step=step,
        exchange=exchange,
        earlier=told_places(exchange) - len(fresh),
        left_out=len(places) - len(shown),
        tools_offered=sum(segment.part is Part.TOOL_DEFINITION for segment in exchange.request.segments),
        attachments=carried,
        findings=tuple(placed_of(inside, exchange)),
        findings_before=len(numbered) - len(inside),
    )
    return _Made(turn=turn, blocks=tuple(blocks_at(exchange, shown, inside, allowance, f"t{step.number}-")))


def _with_turns(made: _Made, linked: Mapping[str, Block]) -> ThreadTurn:
    blocks: Sequence[Block] = [linked[block.anchor] for block in made.blocks]
    return replace(
        made.turn,
        asked=tuple(turns_of(block for block in blocks if block.side is Direction.REQUEST)),
        answer=tuple(turns_of(block for block in blocks if block.side is Direction.RESPONSE)),
    )
