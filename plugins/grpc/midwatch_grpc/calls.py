"""Messages into calls: what a client sent, as intake takes it. Defaults are those that the .proto file promises."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError, Message

from midwatch_core import (
    MAX_BATCH,
    FinishReason,
    Gaps,
    Operation,
    Part,
    PlainCall,
    PlainText,
    Timing,
    ToldCall,
    ToolSpan,
    Transport,
    Usage,
    Whose,
    WireCall,
)
from midwatch_grpc.errors import UnreadableError
from midwatch_grpc.values import dollars, duration, milliseconds, moment, optional, struct, word
from midwatch_grpc.vocabulary import FINISH_REASONS, OPERATIONS, PARTS, TRANSPORTS

_WHOSE = ("tenant", "app", "agent", "user", "client", "session", "traceparent", "key")
_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "cache_audio_read_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)


def parsed[Asked: Message](kind: type[Asked], raw: bytes) -> Asked:
    """A message of bytes that anybody may have sent. Raises UnreadableError."""
    try:
        return kind.FromString(raw)  # type: ignore[no-any-return]  # protobuf has no types of its own
    except DecodeError as error:
        raise UnreadableError(f"not a {kind.DESCRIPTOR.full_name}") from error


def calls_of(messages: Any, *, begin: int = 0) -> list[ToldCall]:
    """The calls of a message; `begin` is the index of the first. Raises UnreadableError with the index at fault."""
    if len(messages) > MAX_BATCH:
        raise UnreadableError(f"calls: {MAX_BATCH:,} at most in one message, these are {len(messages):,}")
    return [_indexed(message, index) for index, message in enumerate(messages, begin)]


def _indexed(message: Any, index: int) -> ToldCall:
    try:
        return call_of(message)
    except UnreadableError as error:
        raise UnreadableError(f"call {index}: {error}", index=index) from error


def call_of(message: Any) -> ToldCall:
    """One call. Raises UnreadableError."""
    body = message.WhichOneof("body")
    if body == "wire":
        return _wire_call(message, message.wire)
    if body == "plain":
        return _plain_call(message, message.plain)
    raise UnreadableError("neither wire nor plain is set")


def _wire_call(message: Any, wire: Any) -> WireCall:
    response = optional(wire, "response")
    return WireCall(
        url=wire.url,
        method=wire.method or "POST",
        request_headers=dict(wire.request_headers),
        request=wire.request,
        response_headers=dict(wire.response_headers),
        response=response,
        status=_status(message, answered=response is not None),
        error=optional(message, "error"),
        started_at=moment(message, "started_at"),
        timing=_timing(message),
        whose=_whose(message),
    )


def _plain_call(message: Any, plain: Any) -> PlainCall:
    answer = optional(plain, "answer")
    return PlainCall(
        provider=plain.provider,
        model=optional(plain, "model"),
        operation=word(OPERATIONS, plain.operation, "operation", unspecified=Operation.CHAT),
        host=plain.host,
        asked=_texts(plain.asked, Part.USER),
        answer=None if answer is None else _texts(answer.texts, Part.ASSISTANT),
        response_model=None if answer is None else optional(answer, "model"),
        finish_reason=None if answer is None else _finish_reason(answer.finish_reason),
        parameters=struct(plain, "parameters"),
        tools=tuple(plain.tools),
        usage=_usage(plain.usage) if plain.HasField("usage") else None,
        cost_usd=dollars(plain, "cost_usd"),
        transport=word(TRANSPORTS, plain.transport, "transport", unspecified=Transport.HTTP),
        streamed=plain.streamed,
        status=_status(message, answered=answer is not None),
        error=optional(message, "error"),
        started_at=moment(message, "started_at"),
        timing=_timing(message),
        tool_spans=tuple(_tool_span(span) for span in plain.tool_spans),
        whose=_whose(message),
    )


def _status(message: Any, *, answered: bool) -> int | None:
    if not message.HasField("status"):
        return 200 if answered else None
    status: int = message.status
    if not 100 <= status <= 599:
        raise UnreadableError(f"status: {status} is none of HTTP's")
    return status


def _whose(message: Any) -> Whose:
    if not message.HasField("whose"):
        return Whose()
    whose = message.whose
    return Whose(**{field: optional(whose, field) for field in _WHOSE})


def _timing(message: Any) -> Timing:
    if not message.HasField("timing"):
        return Timing()
    timing = message.timing
    return Timing(
        ttft_ms=milliseconds(timing, "ttft_ms"),
        duration_ms=milliseconds(timing, "duration_ms"),
        gaps=_gaps(timing.gaps) if timing.HasField("gaps") else None,
    )


def _gaps(gaps: Any) -> Gaps:
    return Gaps(
        count=gaps.count,
        mean_ms=duration(gaps.mean_ms, "mean_ms"),
        p50_ms=duration(gaps.p50_ms, "p50_ms"),
        p95_ms=duration(gaps.p95_ms, "p95_ms"),
        max_ms=duration(gaps.max_ms, "max_ms"),
    )


def _texts(texts: Iterable[Any], unspecified: Part) -> tuple[PlainText, ...]:
    return tuple(
        PlainText(
            part=word(PARTS, text.part, "part", unspecified=unspecified),
            text=text.text,
            name=optional(text, "name"),
            call_id=optional(text, "call_id"),
        )
        for text in texts
    )


def _finish_reason(number: int) -> FinishReason | None:
    return word(FINISH_REASONS, number, "finish_reason", unspecified=FinishReason.OTHER) if number else None


def _usage(usage: Any) -> Usage:
    return Usage(**{field: optional(usage, field) for field in _TOKENS}, tool_fees=dict(usage.tool_fees))


def _tool_span(span: Any) -> ToolSpan:
    started_at, ended_at = moment(span, "started_at"), moment(span, "ended_at")
    if started_at is None or ended_at is None:
        raise UnreadableError("tool_spans: started_at and ended_at are needed")
    return ToolSpan(
        call_id=optional(span, "call_id"),
        name=span.name,
        called_by=span.called_by,
        started_at=started_at,
        ended_at=ended_at,
        path=span.path,
        failed=span.failed,
    )
