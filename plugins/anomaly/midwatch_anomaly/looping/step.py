"""A step of an agent: what it was told, and what the model did then, as digests: no text is remembered."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from midwatch_core import Exchange, Operation, Part, Response, Segment

# What a model answers in words or with calls of tools. A tool's server runs the tool itself.
_TALK = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
# Arguments that are longer are compared as they were written.
_LONGEST_ARGUMENTS = 65_536
_MOST_NAMES, _LONGEST_NAME = 3, 80
_SPOKEN = (Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL)
_STANDING = (Part.SYSTEM, Part.TOOL_DEFINITION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`told` digests what the request brought that is new, `did` the calls of the answer, or its words.

    `tools` are the names of the tools that it called; empty where it answered in words. Moments are seconds since 1970.
    """

    told: bytes
    did: bytes
    tools: tuple[str, ...]
    started_s: float
    ended_s: float
    cost_usd: float


def step_of(exchange: Exchange) -> Step | None:
    """The step of a call that a model or a tool answered; None of one that failed, or is no talk."""
    response = exchange.response
    if response is None or failed(exchange):
        return None
    if exchange.request.operation is Operation.EXECUTE_TOOL:
        arguments = [item for item in exchange.request.segments if item.part is Part.TOOL_CALL]
        name = exchange.request.tools[0] if exchange.request.tools else ""
        did = digest((f"{exchange.endpoint.host} {name}", *map(_canonical, arguments)))
        return _step(exchange, told=digest(map(key_of, response.segments)), did=did, tools=(name,))
    if exchange.request.operation not in _TALK:
        return None
    told = digest(map(key_of, _news(exchange.request.segments)))
    if response.tool_calls:
        names = tuple(call.name for call in response.tool_calls)
        return _step(exchange, told=told, did=digest(sorted(_calls(response))), tools=names)
    return _step(exchange, told=told, did=digest(map(key_of, response.segments)), tools=())


def is_talk(exchange: Exchange) -> bool:
    """Whether a model was asked for words."""
    return exchange.request.operation in _TALK


def failed(exchange: Exchange) -> bool:
    """Whether it went wrong: what is tried again after an error is no loop."""
    said = exchange.response is not None and exchange.response.error is not None
    return said or exchange.error is not None or exchange.status is None or exchange.status >= 400


def whole_request(exchange: Exchange) -> bytes:
    """A digest of all that a request says."""
    return digest((exchange.request.model or "", *map(key_of, exchange.request.segments)))


def key_of(segment: Segment) -> str:
    """What stands for a text: its sealed hash, else the text itself."""
    return f"{segment.part} {segment.hash or segment.text}"


def words_of(segment: Segment) -> str:
    """The same, where a call's arguments may be written in another order the next time."""
    return f"{segment.part} {_canonical(segment)}" if segment.part is Part.TOOL_CALL else key_of(segment)


def digest(parts: Iterable[str]) -> bytes:
    """16 bytes for a sequence of texts."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "replace")
        state.update(len(data).to_bytes(8) + data)
    return state.digest()


def ended_s(exchange: Exchange) -> float:
    """When it was over, seconds since 1970."""
    return exchange.started_at.timestamp() + max(0.0, exchange.timing.duration_ms or 0.0) / 1000


def cost_of(exchange: Exchange) -> float:
    """What it cost, US dollars; 0 where that is unknown."""
    return float(exchange.cost.amount) if exchange.cost is not None and exchange.cost.amount else 0.0


def _step(exchange: Exchange, *, told: bytes, did: bytes, tools: tuple[str, ...]) -> Step:
    return Step(
        told=told,
        did=did,
        tools=tuple(name[:_LONGEST_NAME] for name in tools[:_MOST_NAMES]),
        started_s=exchange.started_at.timestamp(),
        ended_s=ended_s(exchange),
        cost_usd=cost_of(exchange),
    )


def _news(segments: tuple[Segment, ...]) -> list[Segment]:
    """The texts after the model's last word; of tools alone where there are any: reminders stand beside them."""
    found: list[Segment] = []
    for segment in reversed(segments):
        if segment.part in _SPOKEN:
            break
        if segment.part not in _STANDING:
            found.append(segment)
    results = [item for item in found if item.part is Part.TOOL_RESULT]
    return results or found


def _calls(response: Response) -> Iterator[str]:
    texts = {item.path: item for item in response.segments if item.part is Part.TOOL_CALL}
    for call in response.tool_calls:
        arguments = texts.get(call.path)
        yield f"{call.name} {_canonical(arguments) if arguments is not None else ''}"


def _canonical(arguments: Segment) -> str:
    """Arguments whatever the order of their keys and their blanks."""
    if len(arguments.text) > _LONGEST_ARGUMENTS:
        return key_of(arguments)
    try:
        return orjson.dumps(orjson.loads(arguments.text), option=orjson.OPT_SORT_KEYS).decode()
    except (ValueError, TypeError, RecursionError):  # orjson: no JSON, or a number that it does not write
        return arguments.text
