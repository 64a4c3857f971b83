"""Gemini Code Assist: what Gemini CLI and Google's editor plugins speak with a Google login.

There is no published reference. The shapes are those of Gemini CLI's own client
(github.com/google-gemini/gemini-cli, packages/core/src/code_assist/converter.ts): Gemini's request below `request`,
its answer below `response`.
"""

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.gemini import errors as gemini_errors
from midwatch_core.wire.dialects.gemini.generate_content import read_answer, request_segments, tool_names, unlisted
from midwatch_core.wire.dialects.gemini.map import GeminiMap
from midwatch_core.wire.dialects.gemini.parts import items, tool_results
from midwatch_core.wire.dialects.gemini.stream import GeminiStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_ANSWER = "response"
_NO_PARAMETERS = frozenset(
    {"contents", "systemInstruction", "system_instruction", "tools", "session_id", "sessionId", "labels"}
)


class GeminiCodeAssist:
    """`POST /v1internal:generateContent` and `:streamGenerateContent?alt=sse`."""

    id = "gemini.code_assist"
    operation = Operation.GENERATE_CONTENT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; the model stands beside the request, the session inside it."""
        asked = body["request"]
        return Request(
            operation=self.operation,
            model=(body["model"].text() or "").removeprefix("models/") or None,
            stream=target.path.endswith(":streamGenerateContent"),
            segments=tuple(request_segments(asked)),
            tools=tuple(tool_names(asked["tools"])),
            parameters=parameters(asked, beside=_NO_PARAMETERS),
            conversation_id=asked["session_id"].text() or asked["sessionId"].text(),
            tool_results=tuple(result for content in items(asked["contents"]) for result in tool_results(content)),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer, or an error body, which the streaming method wraps in an array."""
        body = unlisted(body)
        response = read_answer(body[_ANSWER], body["error"])
        return response if response.id else changed(response, id=body["traceId"].text())

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        return GeminiStream(assembly, inside=_ANSWER)

    def stream_map(self) -> GeminiMap:
        """Where the texts of one answer stand."""
        return GeminiMap(inside=_ANSWER)

    def refuse(self, refusal: Refusal) -> Answer:
        """Google's error body, with our code as its reason."""
        return gemini_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as an SSE event."""
        return gemini_errors.refuse_in_stream(refusal)
