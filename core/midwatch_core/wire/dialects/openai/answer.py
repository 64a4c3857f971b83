"""An answer of Chat Completions or legacy Completions, sent in one piece."""

from collections.abc import Iterator

from midwatch_core.model.content import ProviderError, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.openai.errors import read_error
from midwatch_core.wire.dialects.openai.finish import finish_reason
from midwatch_core.wire.dialects.openai.messages import read_message, read_tool_calls
from midwatch_core.wire.dialects.openai.usage import read_chat_usage
from midwatch_core.wire.node import Node


def read_answer(body: Node, status: int) -> Response:
    """All choices' texts and calls; the finish reason is the first choice's that has one."""
    error = read_error(body, failed=status >= 400)
    if not body.is_dict:
        body.wrong("an object")
        return Response(error=error)
    choices = list(body["choices"])
    raw = next((raw for choice in choices if (raw := choice["finish_reason"].text())), None)
    return Response(
        model=body["model"].text() or None,
        id=body["id"].text() or None,
        segments=tuple(segment for choice in choices for segment in _texts(choice)),
        tool_calls=tuple(call for choice in choices for call in read_tool_calls(choice["message"])),
        finish_reason=finish_reason(raw),
        raw_finish_reason=raw,
        usage=read_chat_usage(body["usage"]),
        service_tier=body["service_tier"].text(),
        error=error or _error_of(choices),
    )


def _texts(choice: Node) -> Iterator[Segment]:
    if segment := choice["text"].segment(Part.ASSISTANT):
        yield segment
    if choice["message"]:
        yield from read_message(choice["message"], Part.ASSISTANT)


def _error_of(choices: list[Node]) -> ProviderError | None:
    """OpenRouter puts the error of the provider behind it into a choice."""
    return next((error for choice in choices if choice.is_dict and (error := read_error(choice, failed=False))), None)
