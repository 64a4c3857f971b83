"""Bedrock's Converse and ConverseStream, one format for all models.

docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and …_ConverseStream.html.
"""

from collections.abc import Iterator, Mapping

from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason, Json, Operation, ProviderError, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.anthropic.blocks import one
from midwatch_core.wire.dialects.bedrock import errors as bedrock_errors
from midwatch_core.wire.dialects.bedrock.blocks import (
    content_segments,
    media,
    message_segments,
    tool_calls,
    tool_results,
)
from midwatch_core.wire.dialects.bedrock.finish import converse_reason
from midwatch_core.wire.dialects.bedrock.map import ConverseMap
from midwatch_core.wire.dialects.bedrock.place import model_of, place
from midwatch_core.wire.dialects.bedrock.stream import ConverseStream
from midwatch_core.wire.dialects.bedrock.usage import read_usage, usage_of_headers
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"messages", "system", "toolConfig", "promptVariables"})


class BedrockConverse:
    """`POST /model/{modelId}/converse` and `/converse-stream`."""

    id = "bedrock.converse"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; model and streaming are in the path."""
        settings: dict[str, Json] = parameters(body, beside=_NO_PARAMETERS) | place(target)
        if counts := media(body["messages"]):
            settings["media"] = dict(counts)
        if choice := body["toolConfig"]["toolChoice"]:
            settings["toolChoice"] = choice.value
        return Request(
            operation=self.operation,
            model=model_of(target),
            stream=target.path.endswith("-stream"),
            segments=tuple(request_segments(body)),
            tools=tuple(_tool_names(body["toolConfig"]["tools"])),
            parameters=settings,
            tool_results=tuple(tool_results(body["messages"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer, or an error body."""
        content, raw = body["output"]["message"]["content"], body["stopReason"].text()
        error = bedrock_errors.read_error(body) if status >= 400 or not body["output"] else None
        return Response(
            model=body["trace"]["promptRouter"]["invokedModelId"].text(),
            segments=tuple(content_segments(content, Part.ASSISTANT)),
            tool_calls=tuple(tool_calls(content)),
            finish_reason=FinishReason.ERROR if error else converse_reason(raw),
            raw_finish_reason=raw,
            usage=read_usage(body["usage"]),
            service_tier=body["serviceTier"]["type"].text(),
            error=error,
        )

    def with_head(self, response: Response, headers: Mapping[str, str]) -> Response:
        """The answer with what AWS says of it in its head."""
        return with_head(response, headers)

    def stream_reader(self, assembly: Assembly) -> ConverseStream:
        """A reader for one streamed answer."""
        return ConverseStream(assembly)

    def stream_map(self) -> ConverseMap:
        """Where the texts of one answer stand."""
        return ConverseMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """See `bedrock_errors.refuse`."""
        return bedrock_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `bedrock_errors.refuse_in_stream`."""
        return bedrock_errors.refuse_in_stream(refusal)


def with_head(response: Response, headers: Mapping[str, str]) -> Response:
    """The answer with its id, an error's type, and usage and tier where the body has none."""
    error, kind = response.error, bedrock_errors.error_type(headers.get("x-amzn-errortype", ""))
    if kind and error is not None and error.type is None:
        error = ProviderError(type=kind, message=error.message)
    return changed(
        response,
        id=response.id or headers.get("x-amzn-requestid"),
        usage=response.usage or usage_of_headers(headers),
        service_tier=response.service_tier or headers.get("x-amzn-bedrock-service-tier"),
        error=error,
    )


def request_segments(body: Node) -> Iterator[Segment]:
    """System, tools, the values of a stored prompt's variables, and the conversation."""
    yield from content_segments(body["system"], Part.SYSTEM)
    for tool in body["toolConfig"]["tools"]:
        yield from one(tool["toolSpec"], Part.TOOL_DEFINITION)
    for _, variable in body["promptVariables"].members():
        yield from one(variable["text"], Part.USER)
    yield from message_segments(body["messages"])


def _tool_names(tools: Node) -> Iterator[str]:
    """Functions, and the provider's own tools (`systemTool`)."""
    for tool in tools:
        if name := tool["toolSpec"]["name"].text() or tool["systemTool"]["name"].text():
            yield name
