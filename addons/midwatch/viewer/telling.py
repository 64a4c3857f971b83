"""A request or an answer told as a conversation, in plain text: who says what, and what it came to. Bounded."""

import re
from collections.abc import Iterable, Mapping

from midwatch.viewer.visible import visible_line, visible_text
from midwatch_core.model.content import Json, ProviderError, Request, Response, ToolResult
from midwatch_core.model.exchange import Endpoint
from midwatch_core.model.segment import Segment
from midwatch_core.model.usage import Usage
from midwatch_core.wire.jsontext import compact

# What a window shows without getting stuck: characters of one text and of all, texts, and parameters.
_MOST_OF_ONE = 65_536
_MOST_OF_ALL = 1_000_000
_MOST_TEXTS = 4_000
_MOST_NAMES = 200
_PIECE_CHARACTERS = 80
# Broken between words, where there are some.
_PIECES = re.compile(r".{1,116}(?:\s|$)|.{116}")
# mitmweb shows nothing for a line that is empty.
_GAP = " "


def request_text(endpoint: Endpoint, request: Request) -> str:
    """What a client asks."""
    results = {result.path: result for result in request.tool_results}
    names = [_result_name(item.path, results) for item in request.segments[:_MOST_TEXTS]]
    return "\n".join([*_asked(endpoint, request), *_texts(request.segments, names)])


def response_text(response: Response, *, in_full: bool = True) -> str:
    """What a provider answers; `in_full` is false for one message of many, which is no answer by itself."""
    heading = _answered(response, in_full=in_full)
    if not heading and _is_piece(response.segments):
        return f"{response.segments[0].part} … {visible_line(response.segments[0].text)}"
    calls = {call.path: f"{call.name} {call.id or ''}".strip() for call in response.tool_calls}
    names = [calls.get(item.path, "") for item in response.segments[:_MOST_TEXTS]]
    return "\n".join([*heading, *_texts(response.segments, names)])


def folded(line: str) -> list[str]:
    """A line in pieces as wide as a window."""
    return _PIECES.findall(line) or [""]


def _asked(endpoint: Endpoint, request: Request) -> list[str]:
    words = [endpoint.provider, request.model or "?", str(request.operation), *(["streamed"] if request.stream else [])]
    links = [request.previous_response_id, request.conversation_id]
    return [
        visible_line(" · ".join(words)),
        *_named("parameters", _settings(request.parameters)),
        *_named("tools", request.tools[:_MOST_NAMES], of=len(request.tools)),
        *_named("goes on from", [link for link in links if link]),
        *([f"audio: {request.audio_bytes:,} bytes"] if request.audio_bytes else []),
        *_unread(request.decode_error),
    ]


def _answered(response: Response, *, in_full: bool) -> list[str]:
    words = [word for word in (response.model, _finish(response)) if word]
    return [
        *([visible_line(" · ".join(words))] if words else []),
        *([f"tokens: {_usage(response.usage)}"] if response.usage else []),
        *([f"audio: {response.audio_bytes:,} bytes"] if response.audio_bytes else []),
        *_error(response.error),
        *(["It broke off before its end."] if in_full and not response.complete else []),
        *_unread(response.decode_error),
    ]


def _error(error: ProviderError | None) -> list[str]:
    if error is None:
        return []
    kind = f"error: {visible_line(error.type or '?')}"
    return [kind, *_indented(error.message[:_MOST_OF_ONE])] if error.message else [kind]


def _finish(response: Response) -> str:
    """Why the model stopped, with the provider's own word where it is another."""
    reason, raw = response.finish_reason, response.raw_finish_reason
    said = f"finish {reason}" if reason else ""
    return f"{said} ({raw})".lstrip() if raw and raw != reason else said


def _is_piece(segments: tuple[Segment, ...]) -> bool:
    """Whether this is some words of a stream, for which a heading would be too much."""
    return len(segments) == 1 and len(segments[0].text) <= _PIECE_CHARACTERS


def _texts(segments: tuple[Segment, ...], names: Iterable[str]) -> list[str]:
    lines: list[str] = []
    room, shown = _MOST_OF_ALL, 0
    for segment, name in zip(segments, names, strict=False):
        if room <= 0:
            break
        text = segment.text[: min(room, _MOST_OF_ONE)]
        heading = f"── {segment.part} {name}".rstrip()
        told = _indented(text)
        lines += [_GAP, f"{visible_line(heading)}  {visible_line(segment.path)}", *told]
        if len(text) < len(segment.text):
            lines.append(f"  … {len(segment.text) - len(text):,} more characters")
        room -= sum(map(len, told))
        shown += 1
    if shown < len(segments):
        lines += [_GAP, f"… {len(segments) - shown:,} more texts"]
    return lines


def _indented(text: str) -> list[str]:
    """What is said stands to the right, so that it can't pass for a heading; mitmweb does not break long lines."""
    return [f"  {piece}" for line in visible_text(text).split("\n") for piece in folded(line)]


def _result_name(path: str, results: Mapping[str, ToolResult]) -> str:
    """Which tool brought a text: results name the place of what they brought, texts stand there or below."""
    place = path if results else ""
    while place:
        if result := results.get(place):
            said = f"{result.name or ''} {result.call_id or ''}".strip()
            return f"{said} failed" if result.failed else said
        place = place.rpartition("/")[0]
    return ""


def _settings(parameters: Mapping[str, Json]) -> list[str]:
    return [
        f"{key}={value if isinstance(value, str) else compact(value)}"
        for key, value in list(parameters.items())[:_MOST_NAMES]
    ]


def _named(name: str, values: Iterable[str], *, of: int = 0) -> list[str]:
    shown = [visible_line(value) for value in values]
    more = f", … {of - len(shown):,} more" if of > len(shown) else ""
    return [f"{name}: {', '.join(shown)}{more}"] if shown else []


def _usage(usage: Usage) -> str:
    parts = [
        _count(usage.input_tokens, "in", {"from cache": usage.cache_read_tokens, "cached": usage.cache_write_tokens}),
        _count(usage.output_tokens, "out", {"reasoning": usage.reasoning_tokens, "audio": usage.output_audio_tokens}),
        *(f"{count:,} {visible_line(name)}" for name, count in list(usage.tool_fees.items())[:_MOST_NAMES]),
    ]
    return ", ".join(filter(None, parts))


def _count(tokens: int | None, word: str, parts: Mapping[str, int | None]) -> str:
    if tokens is None:
        return ""
    within = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    return f"{tokens:,} {word}" + (f" ({within})" if within else "")


def _unread(problem: str | None) -> list[str]:
    return [f"not read in full: {visible_line(problem)}"] if problem else []
