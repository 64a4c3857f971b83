"""One exchange as a conversation: turns of blocks in the order they were said, calls joined to their results."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from midwatch_core.listing import ExchangeRow, row_of
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_web.passage import Passage, passage_of
from midwatch_web.skeleton import tool_call_at, tool_result_at
from midwatch_web.waterfall import Waterfall, waterfall_of

_ROLES = {
    Part.SYSTEM: "system",
    Part.ASSISTANT: "assistant",
    Part.REASONING: "assistant",
    Part.TOOL_CALL: "assistant",
    Part.TOOL_RESULT: "tool",
}
# Members of a body that hold instructions, wherever they stand in it: they are read first.
_INSTRUCTIONS = ("system", "instructions", "systemInstruction", "system_instruction")
# A long history is folded but for what was said last: an agent's hundredth turn repeats the ninety-nine before.
_TURNS_OPEN, _TURNS_AT_END = 9, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One text. `number` is its place among the texts of its side; `tool` and `call` name the call it belongs to.

    `partner` is the anchor of the result of a call, or of the call of a result. `findings` counts those in the text.
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

    @property
    def anchor(self) -> str:
        """The element's id on the page."""
        return f"{self.side.value}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one role said in a row."""

    role: str
    blocks: tuple[Block, ...]

    @property
    def findings(self) -> int:
        """How many findings are in it."""
        return sum(block.findings for block in self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A finding, its number on the page, and whether its characters are marked there."""

    number: int
    finding: Finding
    marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the page of one exchange shows."""

    exchange: Exchange
    row: ExchangeRow
    definitions: tuple[Block, ...]
    opening: tuple[Turn, ...]
    folded: tuple[Turn, ...]
    turns: tuple[Turn, ...]
    answer: tuple[Turn, ...]
    findings: tuple[Placed, ...]
    waterfall: Waterfall | None
    parameters: tuple[tuple[str, str], ...]
    identity: tuple[tuple[str, str, str | None], ...]
    request_body: str | None
    response_body: str | None


def view_of(exchange: Exchange) -> View:
    """The page of an exchange."""
    numbered = list(enumerate(exchange.findings))
    request = _blocks(Direction.REQUEST, exchange, numbered)
    response = _blocks(Direction.RESPONSE, exchange, numbered)
    joined = _joined([*request, *response])
    asked, answered = joined[: len(request)], joined[len(request) :]
    opening, folded, turns = _folded(_turns(_instructions_first(asked, exchange)))
    return View(
        exchange=exchange,
        row=row_of(exchange),
        definitions=tuple(block for block in joined if block.part is Part.TOOL_DEFINITION),
        opening=opening,
        folded=folded,
        turns=turns,
        answer=tuple(_turns(answered)),
        findings=tuple(_placed(numbered, exchange)),
        waterfall=waterfall_of(exchange.timing),
        parameters=tuple((name, _plain(value)) for name, value in exchange.request.parameters.items()),
        identity=tuple(_identity(exchange)),
        request_body=_pretty(exchange.request.body),
        response_body=_pretty(exchange.response.body) if exchange.response else None,
    )


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


def _blocks(side: Direction, exchange: Exchange, findings: Iterable[tuple[int, Finding]]) -> list[Block]:
    by_path: dict[str, list[tuple[int, Finding]]] = {}
    for number, finding in findings:
        if finding.direction is side and finding.path is not None:
            by_path.setdefault(finding.path, []).append((number, finding))
    blocks = []
    for number, segment in enumerate(segments_of(exchange, side)):
        tool, call = _tool(segment, side, exchange)
        inside = by_path.get(segment.path, ())
        blocks.append(
            Block(
                part=segment.part,
                side=side,
                number=number,
                characters=len(segment.text),
                passage=passage_of(segment.text, inside),
                findings=len(inside),
                tool=tool,
                call=call,
            )
        )
    return blocks


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


def _joined(blocks: list[Block]) -> list[Block]:
    """Calls and results that bear the same id, each with the other's anchor; a result takes its call's name."""
    calls = {block.call: block for block in blocks if block.part is Part.TOOL_CALL and block.call}
    results = {block.call: block for block in reversed(blocks) if block.part is Part.TOOL_RESULT and block.call}
    joined = []
    for block in blocks:
        if block.part is Part.TOOL_CALL and (result := results.get(block.call or "")):
            joined.append(replace(block, partner=result.anchor))
        elif block.part is Part.TOOL_RESULT and (call := calls.get(block.call or "")):
            joined.append(replace(block, partner=call.anchor, tool=block.tool or call.tool))
        else:
            joined.append(block)
    return joined


def _instructions_first(blocks: Iterable[Block], exchange: Exchange) -> list[Block]:
    segments = exchange.request.segments
    return sorted(blocks, key=lambda block: not _is_instruction(segments[block.number].path))


def _is_instruction(path: str) -> bool:
    return path.split("/")[1:2] in ([name] for name in _INSTRUCTIONS)


def _turns(blocks: Iterable[Block]) -> list[Turn]:
    turns: list[Turn] = []
    for block in blocks:
        if block.part is Part.TOOL_DEFINITION:
            continue
        role = _ROLES.get(block.part, "user" if block.side is Direction.REQUEST else "assistant")
        if turns and turns[-1].role == role:
            turns[-1] = replace(turns[-1], blocks=(*turns[-1].blocks, block))
        else:
            turns.append(Turn(role=role, blocks=(block,)))
    return turns


def _folded(turns: list[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...], tuple[Turn, ...]]:
    """The turns before the fold, under it, and after it."""
    if len(turns) <= _TURNS_OPEN:
        return (), (), tuple(turns)
    opening = 1 if turns[0].role == "system" else 0
    return tuple(turns[:opening]), tuple(turns[opening:-_TURNS_AT_END]), tuple(turns[-_TURNS_AT_END:])


def _placed(findings: Iterable[tuple[int, Finding]], exchange: Exchange) -> list[Placed]:
    """The findings, worst first."""
    lengths = {(side, segment.path): len(segment.text) for side in Direction for segment in segments_of(exchange, side)}
    placed = [
        Placed(
            number=number,
            finding=finding,
            marked=finding.start is not None
            and finding.end is not None
            and 0 <= finding.start < min(finding.end, lengths.get((finding.direction, finding.path or ""), 0)),
        )
        for number, finding in findings
    ]
    return sorted(placed, key=lambda item: -item.finding.severity.rank)


def _identity(exchange: Exchange) -> Iterable[tuple[str, str, str | None]]:
    """What is known of who called: name, value, and where it was learned."""
    identity = exchange.identity
    learned: Mapping[str, str] = identity.learned_from
    known = {
        "tenant": identity.tenant,
        "app": identity.app,
        "agent": identity.agent,
        "user": identity.user,
        "key": identity.key_id,
        "client": identity.client,
        "user agent": identity.user_agent,
    }
    for name, value in known.items():
        if value:
            yield name, value, learned.get({"key": "key_id", "user agent": "user_agent"}.get(name, name))


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pretty(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, indent=2)
