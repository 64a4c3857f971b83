"""Messages that came as events of a span: OpenTelemetry's 1.27 to 1.36, and what was drafted before.

https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-events.md
https://github.com/open-telemetry/semantic-conventions/blob/v1.27.0/docs/gen-ai/gen-ai-spans.md#events
"""

from collections.abc import Iterator, Mapping

from midwatch_core import Json, Part, PlainText
from midwatch_otel.ingest.loose_json import opened
from midwatch_otel.ingest.messages import finish_reason_in, texts_of
from midwatch_otel.ingest.spans import ToldEvent, ToldSpan

_ASKED: Mapping[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"
# Its attributes are those of a span: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-inference.md#event-gen_aiclientinferenceoperationdetails
_DETAILS = "gen_ai.client.inference.operation.details"
_CHUNKS = frozenset({"gen_ai.content.completion.chunk", "llm.content.completion.chunk", "First Token Stream Event"})
# Where a whole body stands in one attribute, as JSON.
_BODIES = ("gen_ai.event.content", "event_body", "body")


def with_details(span: ToldSpan) -> Mapping[str, Json]:
    """The span's attributes, and those that it tells in an event of details."""
    found: dict[str, Json] = {}
    for event in span.events:
        if event.name == _DETAILS:
            found |= event.attributes
    return {**found, **span.attributes} if found else span.attributes


def asked_in_events(span: ToldSpan) -> Iterator[PlainText]:
    """What was asked, as events tell it."""
    for event in span.events:
        if (role := _ASKED.get(event.name)) is not None:
            yield from texts_of({"role": role, **_body(event)}, Part.USER)
        elif event.name == "gen_ai.content.prompt":
            yield from texts_of(event.attributes.get("gen_ai.prompt"), Part.USER)


def answered_in_events(span: ToldSpan) -> Iterator[PlainText]:
    """What was answered, as events tell it."""
    for event in span.events:
        if event.name == _CHOICE:
            yield from texts_of({"role": "assistant", **_message(_body(event))}, Part.ASSISTANT)
        elif event.name == "gen_ai.content.completion":
            yield from texts_of(event.attributes.get("gen_ai.completion"), Part.ASSISTANT)


def finish_reason_in_events(span: ToldSpan) -> str | None:
    """Why the first choice ended."""
    return finish_reason_in([dict(_body(event)) for event in span.events if event.name == _CHOICE])


def first_chunk_ns(span: ToldSpan) -> int | None:
    """When the first chunk came, where an event for it (or for each) was told."""
    return min((event.at_ns for event in span.events if event.name in _CHUNKS and event.at_ns), default=None)


def _body(event: ToldEvent) -> Mapping[str, Json]:
    for name in _BODIES:
        inside = opened(event.attributes.get(name))
        if isinstance(inside, dict):
            return inside
    return event.attributes


def _message(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """A choice's message: under `message`, or what stands beside it."""
    inside = opened(body.get("message"))
    if isinstance(inside, dict):
        return {**inside, "tool_calls": inside.get("tool_calls") or body.get("tool_calls")}
    return {**body, "content": body.get("content") or body.get("message")}
