"""Bedrock's InvokeModel and InvokeModelWithResponseStream: each model's own format.

docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html; the formats are at
docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html.
"""

from collections.abc import Mapping

from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason, Json, Operation, Request, Response
from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.anthropic.blocks import all_texts
from midwatch_core.wire.dialects.bedrock import errors as bedrock_errors
from midwatch_core.wire.dialects.bedrock.converse import with_head
from midwatch_core.wire.dialects.bedrock.finish import model_reason
from midwatch_core.wire.dialects.bedrock.forms import OPENAI, form_of_answer, form_of_request
from midwatch_core.wire.dialects.bedrock.invoke_map import InvokeMap
from midwatch_core.wire.dialects.bedrock.invoke_stream import GUARDRAIL, INTERVENED, InvokeStream
from midwatch_core.wire.dialects.bedrock.known import answered_texts, asked_texts, has_known_texts, tool_results
from midwatch_core.wire.dialects.bedrock.place import model_of, place
from midwatch_core.wire.dialects.bedrock.texts import format_of_answer
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_TEXTS = frozenset(
    {"prompt", "inputText", "input_text", "inputs", "message", "preamble", "chat_history", "documents", "tools"}
    | {"tool_results", "texts", "text_prompts", "query", "messages", "system", "images"}
)
_EMBEDDING = ("embed", "marengo")


class BedrockInvoke:
    """`POST /model/{modelId}/invoke` and `/invoke-with-response-stream`."""

    id = "bedrock.invoke"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; model and streaming are in the path, the format shows in the body."""
        model = model_of(target)
        form = form_of_request(body, model or "")
        request = form.read_request(body, target) if form is not None else self._plain(body, model or "")
        return changed(
            request,
            model=model or request.model,
            stream=target.path.endswith("-stream"),
            parameters={**request.parameters, **place(target)},
        )

    def _plain(self, body: Node, model: str) -> Request:
        """No conversation: a prompt, texts to be embedded, or something that is not known."""
        texts = tuple(asked_texts(body))
        known = bool(texts) or has_known_texts(body)
        settings: dict[str, Json] = parameters(body, beside=_TEXTS)
        if body and not known:
            settings["format"] = "unknown"
        embeds = any(mark in model for mark in _EMBEDDING)
        return Request(
            operation=Operation.EMBEDDINGS if embeds else Operation.TEXT_COMPLETION,
            segments=texts if known else tuple(all_texts(body, Part.USER)),
            tools=tuple(name for tool in body["tools"] if tool.is_dict and (name := tool["name"].text())),
            parameters=settings,
            tool_results=tuple(tool_results(body)),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer in any of the formats, or an error body."""
        form = form_of_answer(body)
        if status >= 400 or not body.is_dict:
            error = bedrock_errors.read_error(body) if body.is_dict else None
            return Response(error=error, finish_reason=FinishReason.ERROR if error else None)
        if form is not None:
            response = form.read_response(body, status)
        else:
            texts = format_of_answer(body)
            response = texts.read(body) if texts is not None else _unknown(body)
        return _with_end(response, body, by_choice=form is OPENAI)

    def with_head(self, response: Response, headers: Mapping[str, str]) -> Response:
        """The answer with what AWS says of it in its head: for many models the only place that has tokens."""
        return with_head(response, headers)

    def stream_reader(self, assembly: Assembly) -> InvokeStream:
        """A reader for one streamed answer."""
        return InvokeStream(assembly)

    def stream_map(self) -> InvokeMap:
        """Where the texts of one answer stand."""
        return InvokeMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """See `bedrock_errors.refuse`."""
        return bedrock_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `bedrock_errors.refuse_in_stream`."""
        return bedrock_errors.refuse_in_stream(refusal)


def _with_end(response: Response, body: Node, *, by_choice: bool) -> Response:
    """Why it ended: a guardrail's word comes first; Mistral's conversations have another name for it than OpenAI's."""
    raw = response.raw_finish_reason
    if body[GUARDRAIL].value == INTERVENED:
        return changed(response, finish_reason=FinishReason.CONTENT_FILTER, raw_finish_reason=raw or INTERVENED)
    if raw is not None or not by_choice:
        return response
    raw = next((word for choice in body["choices"] if (word := choice["stop_reason"].text())), None)
    return changed(response, finish_reason=model_reason(raw), raw_finish_reason=raw)


def _unknown(body: Node) -> Response:
    """Vectors, images, and formats of models to come; Titan counts what it embedded."""
    counted = body["inputTextTokenCount"].whole()
    return Response(
        segments=tuple(answered_texts(body)),
        usage=None if counted is None else Usage(input_tokens=counted),
    )
