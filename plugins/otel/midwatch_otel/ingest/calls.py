"""A span of a call to a model as a plain call: what the intake takes."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from midwatch_core import FinishReason, Json, Operation, Part, PlainCall, PlainText, Timing, Whose
from midwatch_otel.ingest.events import finish_reason_in_events, first_chunk_ns, with_details
from midwatch_otel.ingest.loose_json import opened
from midwatch_otel.ingest.messages import finish_reason_in, tool_names_in
from midwatch_otel.ingest.names import PARAMETERS, Bag, Meaning
from midwatch_otel.ingest.providers import provider_id
from midwatch_otel.ingest.spans import ToldSpan
from midwatch_otel.ingest.texts import answered_texts, asked_texts
from midwatch_otel.ingest.tree import spread_list
from midwatch_otel.ingest.usage import usage_of

# What a name may have, in characters: longer ones are cut, so that one does not cost the whole batch.
_LONGEST_NAME = 200
_LONGEST_ERROR = 500
_MOST_TOOLS = 500
_NS_PER_MS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The SDKs' name for what was given none.
_UNNAMED_APP = "unknown_service"

_FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "completed": FinishReason.STOP,
    "complete": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "max_output_tokens": FinishReason.LENGTH,
    "tool_call": FinishReason.TOOL_CALLS,
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.PAUSE,
    "error": FinishReason.ERROR,
    "cancelled": FinishReason.CANCELLED,
}


def bag_of(span: ToldSpan) -> Bag:
    """A span's attributes, those of its event of details included."""
    return Bag(with_details(span))


def call_of(span: ToldSpan, bag: Bag, operation: Operation) -> PlainCall:
    """The call that a span tells of."""
    embeds = operation is Operation.EMBEDDINGS
    answer = () if embeds else answered_texts(span, bag)
    server = _name(bag.text(Meaning.SERVER))
    timing = _timing(span, bag)
    return PlainCall(
        provider=_name(provider_id(bag.text(Meaning.PROVIDER), server)) or "",
        model=_name(bag.text(Meaning.REQUEST_MODEL) or bag.text(Meaning.RESPONSE_MODEL)),
        operation=operation,
        host=server or "",
        asked=asked_texts(span, bag, Part.EMBEDDING_INPUT if embeds else Part.USER),
        answer=None if span.failed and not answer else answer,
        response_model=_name(bag.text(Meaning.RESPONSE_MODEL)),
        parameters=_parameters(bag.attributes),
        tools=_tools(bag),
        finish_reason=_finish_reason(span, bag, answer),
        usage=usage_of(bag),
        streamed=bag.flag(Meaning.STREAM) or timing.ttft_ms is not None,
        status=_status(span, bag),
        error=_error(span, bag),
        started_at=moment(span.start_ns),
        timing=timing,
        whose=_whose(span, bag),
    )


def moment(ns: int) -> datetime | None:
    """Nanoseconds since 1970 as a moment; None for 0, which is none."""
    return _EPOCH + timedelta(microseconds=ns // 1000) if ns else None


def _whose(span: ToldSpan, bag: Bag) -> Whose:
    resource = Bag(span.resource)
    app = bag.text(Meaning.APP) or resource.text(Meaning.APP)
    return Whose(
        app=None if app is None or app.startswith(_UNNAMED_APP) else _name(app),
        agent=_name(bag.text(Meaning.AGENT)),
        user=_name(bag.text(Meaning.USER) or resource.text(Meaning.USER)),
        client=_name(bag.text(Meaning.CLIENT)),
        session=_name(bag.text(Meaning.SESSION) or resource.text(Meaning.SESSION)),
        traceparent=f"00-{span.trace_id}-{span.span_id}-01",
        key=f"otlp {span.trace_id} {span.span_id}",
    )


def _timing(span: ToldSpan, bag: Bag) -> Timing:
    seconds, told_ms = bag.number(Meaning.FIRST_CHUNK_S), bag.number(Meaning.FIRST_CHUNK_MS)
    first = first_chunk_ns(span)
    ttft_ms = told_ms if seconds is None else seconds * 1000
    if ttft_ms is None and first is not None and first >= span.start_ns > 0:
        ttft_ms = (first - span.start_ns) / _NS_PER_MS
    ends = span.end_ns >= span.start_ns > 0
    return Timing(
        ttft_ms=ttft_ms if ttft_ms is not None and 0 <= ttft_ms < math.inf else None,
        duration_ms=(span.end_ns - span.start_ns) / _NS_PER_MS if ends else None,
    )


def _status(span: ToldSpan, bag: Bag) -> int | None:
    """The HTTP status, where one is told; some SDKs tell it as the error's type. A span that went well: 200."""
    for told in (bag.whole(Meaning.STATUS), bag.whole(Meaning.ERROR_TYPE)):
        if told is not None and 100 <= told <= 599:
            return told
    return None if span.failed else 200


def _error(span: ToldSpan, bag: Bag) -> str | None:
    told = bag.value(Meaning.ERROR_TYPE)
    error = str(told) if isinstance(told, str | int) and told else None
    if error is None and not span.failed:
        return None
    parts = [part for part in (error, span.status_message) if part]
    return ": ".join(parts)[:_LONGEST_ERROR] or "error"


def _finish_reason(span: ToldSpan, bag: Bag, answer: tuple[PlainText, ...]) -> FinishReason | None:
    raw = (
        bag.text(Meaning.FINISH_REASONS)
        or finish_reason_in(bag.value(Meaning.OUTPUT_MESSAGES))
        or finish_reason_in(spread_list(bag.attributes, "gen_ai.completion"))
        or finish_reason_in_events(span)
    )
    if raw is not None:
        return _FINISH_REASONS.get(raw.strip().lower(), FinishReason.OTHER)
    return FinishReason.TOOL_CALLS if any(text.part is Part.TOOL_CALL for text in answer) else None


def _parameters(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """Settings by our names, OpenInference's from the JSON that it keeps them in; texts of the call are none."""
    told = opened(attributes.get("llm.invocation_parameters"))
    invoked = told if isinstance(told, dict) else {}
    found: dict[str, Json] = {}
    for name, aliases in PARAMETERS.items():
        value = next((attributes[alias] for alias in aliases if alias in attributes), invoked.get(name))
        if isinstance(value, bool | int | float | str) or (isinstance(value, list) and name == "stop"):
            found[name] = value
    return found


def _tools(bag: Bag) -> tuple[str, ...]:
    names = (
        tool_names_in(bag.value(Meaning.TOOL_DEFINITIONS))
        or tool_names_in(spread_list(bag.attributes, "llm.tools"))
        or tool_names_in(spread_list(bag.attributes, "llm.request.functions"))
    )
    return tuple(name[:_LONGEST_NAME] for name in names[:_MOST_TOOLS])


def _name(text: str | None) -> str | None:
    return text[:_LONGEST_NAME] if text else None
