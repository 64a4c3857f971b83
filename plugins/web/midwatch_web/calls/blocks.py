"""The texts of a call as blocks of a page: rendered, named for their tools, calls joined to their results."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from midwatch_core import Direction, Exchange, Finding, Part, Segment
from midwatch_web.calls.passage import Allowance, Passage, passage_of
from midwatch_web.calls.skeleton import tool_call_at, tool_result_at

# More texts than this a page does not hold; the REST API gives all.
MAX_BLOCKS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One text. `number` is its place among the texts of its side; `tool` and `call` name the call it belongs to.

    `partner` is the anchor of the result of a call, or of the call of a result. `findings` counts those in the text.
    `prefix` tells its anchor from those of other calls on a page.
    """

    part: Part
    side: Direction
    number: int
    characters: int
    passage: Passage
    findings: int = 0
    tool: str | None = None
    call: str | None = None
    partner: str | None = None
    prefix: str = ""

    @property
    def anchor(self) -> str:
        """The element's id on the page."""
        return f"{self.prefix}{self.side.value}-{self.number}"


def blocks_of(exchange: Exchange, findings: Sequence[tuple[int, Finding]]) -> list[Block]:
    """The blocks of both sides in their order; of very many only the newest, and the first, which instruct."""
    places = [(side, number) for side in Direction for number in range(len(segments_of(exchange, side)))]
    if len(places) > MAX_BLOCKS:
        places = places[:10] + places[10 - MAX_BLOCKS :]
    # The newest first: where a page has no room for all, it is the oldest that is behind a link.
    made = list(blocks_at(exchange, reversed(places), findings, Allowance()))
    return joined(made[::-1])


def blocks_at(
    exchange: Exchange,
    places: Iterable[tuple[Direction, int]],
    findings: Iterable[tuple[int, Finding]],
    allowance: Allowance,
    prefix: str = "",
) -> Iterator[Block]:
    """The blocks of some places, in the order given; calls and results are not joined yet."""
    by_place: dict[tuple[Direction, str], list[tuple[int, Finding]]] = {}
    for numbered in findings:
        by_place.setdefault((numbered[1].direction, numbered[1].path or ""), []).append(numbered)
    for side, number in places:
        yield replace(_block(exchange, side, number, by_place, allowance), prefix=prefix)


def segments_of(exchange: Exchange, side: Direction) -> tuple[Segment, ...]:
    """The texts of one side."""
    if side is Direction.REQUEST:
        return exchange.request.segments
    return exchange.response.segments if exchange.response else ()


def side_text(exchange: Exchange, side: str, number: int) -> str | None:
    """One text by its side (request, response) and number; None where there is none."""
    if side not in (Direction.REQUEST, Direction.RESPONSE):
        return None
    segments = segments_of(exchange, Direction(side))
    return segments[number].text if 0 <= number < len(segments) else None


def _block(
    exchange: Exchange,
    side: Direction,
    number: int,
    findings: dict[tuple[Direction, str], list[tuple[int, Finding]]],
    allowance: Allowance,
) -> Block:
    segment = segments_of(exchange, side)[number]
    inside = findings.get((side, segment.path), ())
    tool, call = _tool(segment, side, exchange)
    return Block(
        part=segment.part,
        side=side,
        number=number,
        characters=len(segment.text),
        passage=passage_of(segment.text, inside, allowance),
        findings=len(inside),
        tool=tool,
        call=call,
    )


def _tool(segment: Segment, side: Direction, exchange: Exchange) -> tuple[str | None, str | None]:
    """Name and id of the call that a text belongs to."""
    response = exchange.response
    if side is Direction.RESPONSE and response is not None:
        for call in response.tool_calls:
            if call.path == segment.path:
                return call.name, call.id
    body = exchange.request.body if side is Direction.REQUEST else (response.body if response else None)
    if segment.part is Part.TOOL_CALL:
        return tool_call_at(body, segment.path)
    if segment.part is Part.TOOL_RESULT:
        return tool_result_at(body, segment.path)
    if segment.part is Part.TOOL_DEFINITION:
        return _defined_name(segment.text), None
    return None, None


def _defined_name(text: str) -> str | None:
    """The name in a tool's definition, OpenAI's older wrapping included."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for place in (document, document.get("function") if isinstance(document, dict) else None):
        if isinstance(place, dict) and isinstance(name := place.get("name"), str):
            return name
    return None


def joined(blocks: Sequence[Block]) -> list[Block]:
    """Calls and results that bear the same id, each with the other's anchor; a result takes its call's name."""
    calls = {block.call: block for block in blocks if block.part is Part.TOOL_CALL and block.call}
    results = {block.call: block for block in reversed(blocks) if block.part is Part.TOOL_RESULT and block.call}
    linked = []
    for block in blocks:
        if block.part is Part.TOOL_CALL and (result := results.get(block.call or "")):
            linked.append(replace(block, partner=result.anchor))
        elif block.part is Part.TOOL_RESULT and (call := calls.get(block.call or "")):
            linked.append(replace(block, partner=call.anchor, tool=block.tool or call.tool))
        else:
            linked.append(block)
    return linked
