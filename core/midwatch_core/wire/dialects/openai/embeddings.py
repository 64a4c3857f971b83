"""OpenAI's Embeddings, and everything compatible with them."""

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.chat_stream import ChatStreamReader
from midwatch_core.wire.dialects.openai.inputs import read_inputs
from midwatch_core.wire.dialects.openai.messages import read_messages
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"input", "messages", "model", "stream"})


class OpenAIEmbeddings:
    """`POST …/embeddings` (https://platform.openai.com/docs/api-reference/embeddings). Vectors are no texts."""

    id = "openai.embeddings"
    operation = Operation.EMBEDDINGS

    def read_request(self, body: Node, target: Target) -> Request:
        """Inputs are strings or token ids, one or several; vLLM also embeds chats."""
        if not body.is_dict:
            body.wrong("an object")
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            segments=(*read_inputs(body["input"], Part.EMBEDDING_INPUT), *read_messages(body["messages"])),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Model and usage; the vectors stay where they are."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        return Response(
            model=body["model"].text() or None,
            id=body["id"].text() or None,
            usage=_read_usage(body["usage"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> ChatStreamReader:
        """Embeddings are not streamed; what comes as events all the same is read for usage and errors."""
        return ChatStreamReader(assembly)

    def stream_map(self) -> None:
        """Its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`."""
        return openai_errors.refuse_in_stream(refusal)


def _read_usage(usage: Node) -> Usage | None:
    """Only input; some vendors (Voyage) report the total alone."""
    if not usage:
        return None
    tokens = usage["prompt_tokens"].whole()
    if tokens is None:
        tokens = usage["total_tokens"].whole()
    return None if tokens is None else Usage(input_tokens=tokens)
