"""Gemini's generateContent (ai.google.dev/api/generate-content), streamed and not, as on Vertex AI."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response, ToolCall
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.gemini import errors as gemini_errors
from midwatch_core.wire.dialects.gemini.finish import block_reason, finish_reason
from midwatch_core.wire.dialects.gemini.map import GeminiMap
from midwatch_core.wire.dialects.gemini.parts import content_segments, either, items, tool_calls, tool_results
from midwatch_core.wire.dialects.gemini.stream import GeminiStream
from midwatch_core.wire.dialects.gemini.usage import read_service_tier, read_usage
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "contents", "systemInstruction", "system_instruction", "tools"})


class GeminiGenerateContent:
    """`POST …/models/{model}:generateContent` and `:streamGenerateContent`."""

    id = "gemini.generate_content"
    operation = Operation.GENERATE_CONTENT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; model and streaming are in the path."""
        return Request(
            operation=self.operation,
            model=model_of(body, target),
            stream=target.path.endswith(":streamGenerateContent"),
            segments=tuple(request_segments(body)),
            tools=tuple(tool_names(body["tools"])),
            parameters=parameters(body, beside=_NO_PARAMETERS),
            tool_results=tuple(result for content in items(body["contents"]) for result in tool_results(content)),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer, or an error body, which the streaming method wraps in an array."""
        body = unlisted(body)
        return read_answer(body, body["error"])

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        return GeminiStream(assembly)

    def stream_map(self) -> GeminiMap:
        """Where the texts of one answer stand."""
        return GeminiMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """Google's error body, with our code as its reason."""
        return gemini_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as an SSE event."""
        return gemini_errors.refuse_in_stream(refusal)


def model_of(body: Node, target: Target) -> str | None:
    """The model, which stands in the path; a body may repeat it as `models/…`."""
    if model := target.captures.get("model"):
        return model
    named = target.path.rpartition("/models/")[2] if "/models/" in target.path else ""
    return named.partition(":")[0] or (body["model"].text() or "").removeprefix("models/") or None


def unlisted(body: Node) -> Node:
    """The first of several answers: the streaming method wraps an error body in an array."""
    return next(iter(body), body) if body.is_list else body


def read_answer(body: Node, failure: Node) -> Response:
    """An answer, or what `failure` says in its place."""
    segments: list[Segment] = []
    called: list[ToolCall] = []
    searches = 0
    for candidate in body["candidates"]:
        segments += content_segments(candidate["content"], Part.ASSISTANT)
        called += tool_calls(candidate["content"])
        searches += len(list(candidate["groundingMetadata"]["webSearchQueries"]))
    feedback = body["promptFeedback"]
    if message := feedback["blockReasonMessage"].segment(Part.ASSISTANT):
        segments.append(message)
    error = gemini_errors.read_error(failure)
    reason, raw = _finish(body, feedback)
    return Response(
        model=body["modelVersion"].text(),
        id=body["responseId"].text(),
        segments=tuple(segments),
        tool_calls=tuple(called),
        finish_reason=FinishReason.ERROR if error else reason,
        raw_finish_reason=raw,
        usage=read_usage(body["usageMetadata"], searches=searches),
        service_tier=read_service_tier(body["usageMetadata"]),
        error=error,
    )


def request_segments(body: Node) -> Iterator[Segment]:
    """The texts of a request: what the system says, the tools offered, the contents."""
    yield from content_segments(either(body, "systemInstruction", "system_instruction"), Part.SYSTEM)
    for tool in items(body["tools"]):
        for function in items(either(tool, "functionDeclarations", "function_declarations")):
            if segment := function.segment(Part.TOOL_DEFINITION):
                yield segment
    for content in items(body["contents"]):
        yield from content_segments(content)


def tool_names(tools: Node) -> Iterator[str]:
    """Functions by their names, the provider's tools by their kinds."""
    for tool in items(tools):
        for kind, member in tool.members():
            if kind in ("functionDeclarations", "function_declarations"):
                yield from (name for function in items(member) if (name := function["name"].text()))
            elif member:
                yield kind


def _finish(body: Node, feedback: Node) -> tuple[FinishReason | None, str | None]:
    for candidate in body["candidates"]:
        called = any(True for _ in tool_calls(candidate["content"]))
        return finish_reason(candidate["finishReason"].value, called_tools=called)
    return block_reason(feedback["blockReason"].value)
