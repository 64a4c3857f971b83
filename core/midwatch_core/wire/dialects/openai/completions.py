"""OpenAI's legacy Completions: a prompt goes in, text comes out."""

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.answer import read_answer
from midwatch_core.wire.dialects.openai.chat_map import ChatMap
from midwatch_core.wire.dialects.openai.chat_stream import ChatStreamReader
from midwatch_core.wire.dialects.openai.inputs import read_inputs
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"prompt", "suffix", "model", "stream"})


class OpenAICompletions:
    """`POST …/completions` (https://platform.openai.com/docs/api-reference/completions), streamed as SSE.

    Also fill-in-the-middle of Mistral and DeepSeek; Mistral answers it in the shape of a chat, which is read too.
    """

    id = "openai.completions"
    operation = Operation.TEXT_COMPLETION

    def read_request(self, body: Node, target: Target) -> Request:
        """Prompts are strings or token ids, one or several; only strings are texts."""
        if not body.is_dict:
            body.wrong("an object")
        suffix = body["suffix"].segment(Part.USER)
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream"].flag(),
            segments=(*read_inputs(body["prompt"], Part.USER), *((suffix,) if suffix else ())),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """See `openai_answer.read_answer`."""
        return read_answer(body, status)

    def stream_reader(self, assembly: Assembly) -> ChatStreamReader:
        """A reader for one answer."""
        return ChatStreamReader(assembly)

    def stream_map(self) -> ChatMap:
        """Where the texts of one answer stand."""
        return ChatMap(legacy=True)

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`."""
        return openai_errors.refuse_in_stream(refusal)
