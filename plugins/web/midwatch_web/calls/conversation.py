"""One exchange as a conversation: turns of blocks in the order they were said, and what else its page shows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from midwatch_core import Direction, Exchange, ExchangeRow, Finding, Json, Part, curl_command, row_of
from midwatch_web.calls.attachments import Attachment, attachments_of
from midwatch_web.calls.blocks import Block, blocks_of, segments_of
from midwatch_web.calls.waterfall import Waterfall, waterfall_of

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
    """All that the page of one exchange shows. `left_out` counts the texts that it has no room for."""

    exchange: Exchange
    row: ExchangeRow
    definitions: tuple[Block, ...]
    opening: tuple[Turn, ...]
    folded: tuple[Turn, ...]
    turns: tuple[Turn, ...]
    answer: tuple[Turn, ...]
    left_out: int
    findings: tuple[Placed, ...]
    waterfall: Waterfall | None
    parameters: tuple[tuple[str, str], ...]
    identity: tuple[tuple[str, str, str | None], ...]
    request_body: str | None
    response_body: str | None
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    command: str


def view_of(exchange: Exchange) -> View:
    """The page of an exchange."""
    numbered = list(enumerate(exchange.findings))
    blocks = blocks_of(exchange, numbered)
    asked = [block for block in blocks if block.side is Direction.REQUEST]
    answered = [block for block in blocks if block.side is Direction.RESPONSE]
    opening, folded, turns = _folded(turns_of(_instructions_first(asked, exchange)))
    return View(
        exchange=exchange,
        row=row_of(exchange),
        definitions=tuple(block for block in blocks if block.part is Part.TOOL_DEFINITION),
        opening=opening,
        folded=folded,
        turns=turns,
        answer=tuple(turns_of(answered)),
        left_out=sum(len(segments_of(exchange, side)) for side in Direction) - len(blocks),
        findings=tuple(placed_of(numbered, exchange)),
        waterfall=waterfall_of(exchange.timing),
        parameters=tuple((name, _plain(value)) for name, value in exchange.request.parameters.items()),
        identity=tuple(_identity(exchange)),
        request_body=_pretty(exchange.request.body),
        response_body=_pretty(exchange.response.body) if exchange.response else None,
        attachments=attachments_of(exchange.request.body),
        headers=tuple(_headers(exchange)),
        command=curl_command(exchange),
    )


def _instructions_first(blocks: Iterable[Block], exchange: Exchange) -> list[Block]:
    segments = exchange.request.segments
    return sorted(blocks, key=lambda block: not is_instruction(segments[block.number].path))


def is_instruction(path: str) -> bool:
    """Whether a text at this place of a body instructs the model, wherever the body has its instructions."""
    return path.split("/")[1:2] in ([name] for name in _INSTRUCTIONS)


def turns_of(blocks: Iterable[Block]) -> list[Turn]:
    """Blocks as turns: what one role said in a row."""
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


def placed_of(findings: Iterable[tuple[int, Finding]], exchange: Exchange) -> list[Placed]:
    """Findings and whether their characters can be marked, worst first."""
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


def _headers(exchange: Exchange) -> Iterable[tuple[str, str]]:
    """What is kept of the request's headers."""
    for name, value in (("user-agent", exchange.identity.user_agent), ("traceparent", exchange.traceparent)):
        if value:
            yield name, value


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pretty(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, indent=2)
