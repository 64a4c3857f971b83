"""An exchange as spans: the call, and the tools whose results it brought.

Names by https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-inference.md, and as
`conventions` has them for the version that is asked for. What is only ours begins with `midwatch.`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from midwatch_core import Exchange, Json, ToolSpan, Usage
from midwatch_otel.export.conventions import Conventions
from midwatch_otel.export.texts import text_attributes
from midwatch_otel.export.trace_ids import Place, place_of, span_id_of
from midwatch_otel.export.values import clean, key_values

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 500
_SAMPLED = 1
# A setting under any of the dialects' names for it, and what it is called here.
_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p", "topP"),
    "gen_ai.request.max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "presencePenalty"),
    "gen_ai.request.seed": ("seed",),
}
_MODALITIES: Mapping[str, str] = {
    "gen_ai.usage.audio.input_tokens": "input_audio_tokens",
    "gen_ai.usage.image.input_tokens": "input_image_tokens",
    "gen_ai.usage.audio.cache_read.input_tokens": "cache_audio_read_tokens",
    "gen_ai.usage.audio.output_tokens": "output_audio_tokens",
    "gen_ai.usage.image.output_tokens": "output_image_tokens",
}


def spans_of(exchange: Exchange, conventions: Conventions, *, content: bool) -> Iterator[Span]:
    """The spans: the tools that ran first, then the call. `content`: with its texts."""
    place = place_of(exchange)
    for tool in exchange.tool_spans:
        yield _tool_span(exchange, tool, place)
    yield _call_span(exchange, conventions, place, content=content)


def error_type(exchange: Exchange) -> str | None:
    """What the call failed with, in few words: the provider's type of error, the status, or `_OTHER`."""
    response = exchange.response
    if response is not None and response.error is not None:
        return (response.error.type or "_OTHER")[:_LONGEST_NAME]
    if exchange.status is not None and exchange.status >= 400:
        return str(exchange.status)
    return "_OTHER" if exchange.error else None


def called_attributes(exchange: Exchange) -> dict[str, Json]:
    """What was called, where: the attributes that spans and metrics share."""
    endpoint, response = exchange.endpoint, exchange.response
    return {
        "gen_ai.operation.name": exchange.request.operation.value,
        "gen_ai.provider.name": endpoint.provider,
        "gen_ai.request.model": _name(exchange.request.model),
        "gen_ai.response.model": _name(response.model) if response else None,
        "server.address": endpoint.host or None,
        "server.port": endpoint.port if endpoint.host and endpoint.port else None,
        "error.type": error_type(exchange),
    }


def _call_span(exchange: Exchange, conventions: Conventions, place: Place, *, content: bool) -> Span:
    began = _ns(exchange.started_at)
    operation, model = exchange.request.operation.value, exchange.model
    span = Span(
        trace_id=place.trace_id,
        span_id=span_id_of(exchange.id),
        parent_span_id=place.parent_id,
        name=clean(f"{operation} {model}" if model else operation)[:_LONGEST_NAME],
        kind=Span.SPAN_KIND_CLIENT,
        flags=_SAMPLED,
        start_time_unix_nano=began,
        end_time_unix_nano=began + int((exchange.timing.duration_ms or 0) * 1_000_000),
        attributes=key_values(
            called_attributes(exchange)
            | _asked(exchange)
            | _answered(exchange, conventions)
            | _ours(exchange)
            | (text_attributes(exchange) if content else {})
        ),
    )
    if error_type(exchange) is not None:
        span.status.CopyFrom(
            Status(code=Status.STATUS_CODE_ERROR, message=clean(exchange.error or "")[:_LONGEST_MESSAGE])
        )
    return span


def _asked(exchange: Exchange) -> dict[str, Json]:
    request, identity = exchange.request, exchange.identity
    told = request.parameters
    settings = {name: next((told[key] for key in keys if key in told), None) for name, keys in _PARAMETERS.items()}
    return {
        "gen_ai.request.stream": True if request.stream else None,
        **{name: value for name, value in settings.items() if isinstance(value, int | float)},
        "gen_ai.conversation.id": exchange.session,
        "gen_ai.agent.name": identity.agent,
        "user.id": identity.user,
        "client.address": identity.client,
    }


def _answered(exchange: Exchange, conventions: Conventions) -> dict[str, Json]:
    response = exchange.response
    usage = (response.usage if response else None) or Usage()
    reason = response.raw_finish_reason or response.finish_reason if response else None
    first_ms = exchange.timing.ttft_ms if exchange.streamed else None
    modalities: dict[str, Any] = {name: getattr(usage, field) for name, field in _MODALITIES.items()}
    return {
        "gen_ai.response.id": _name(response.id) if response else None,
        "gen_ai.response.finish_reasons": [str(reason)] if reason else None,
        "gen_ai.response.time_to_first_chunk": None if first_ms is None else first_ms / 1000,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        conventions.cache_write: usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        **modalities,
        "http.response.status_code": exchange.status,
    }


def _ours(exchange: Exchange) -> dict[str, Json]:
    """What no convention has a name for: whose the call was, what it cost, what was found and done about it."""
    cost = exchange.cost.amount if exchange.cost is not None else None
    rules = list(dict.fromkeys(finding.rule for finding in exchange.findings))
    return {
        "midwatch.exchange.id": exchange.id,
        "midwatch.tenant": exchange.identity.tenant,
        "midwatch.app": exchange.identity.app,
        "midwatch.cost_usd": None if cost is None else float(cost),
        "midwatch.findings": list(rules) if rules else None,
        "midwatch.action": exchange.action.name.lower(),
    }


def _tool_span(exchange: Exchange, tool: ToolSpan, place: Place) -> Span:
    """A tool's run, a child of the call that asked for it."""
    span = Span(
        trace_id=place.trace_id,
        span_id=span_id_of(exchange.id, tool.path, tool.call_id or "", tool.name),
        parent_span_id=span_id_of(tool.called_by) if tool.called_by else place.parent_id,
        name=clean(f"execute_tool {tool.name}")[:_LONGEST_NAME],
        kind=Span.SPAN_KIND_INTERNAL,
        flags=_SAMPLED,
        start_time_unix_nano=_ns(tool.started_at),
        end_time_unix_nano=max(_ns(tool.started_at), _ns(tool.ended_at)),
        attributes=key_values(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool.name,
                "gen_ai.tool.call.id": tool.call_id,
                "gen_ai.tool.type": "function",
                "error.type": "_OTHER" if tool.failed else None,
                "midwatch.exchange.id": exchange.id,
            }
        ),
    )
    if tool.failed:
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR))
    return span


def _name(text: str | None) -> str | None:
    return text[:_LONGEST_NAME] if text else None


def _ns(moment: datetime) -> int:
    return max(0, (moment - _EPOCH) // timedelta(microseconds=1)) * 1000
