"""Anthropic's Messages API (docs.claude.com/en/api/messages), with thinking, caching, server tools and documents."""

import orjson

from midwatch_core.model.content import FinishReason, Json, Operation, ProviderError, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.answering import json_answer
from midwatch_core.wire.dialects.anthropic.blocks import content_segments, one, part_of_role, tool_calls, tool_results
from midwatch_core.wire.dialects.anthropic.map import AnthropicMap
from midwatch_core.wire.dialects.anthropic.stream import FINISH_REASONS, AnthropicStream
from midwatch_core.wire.dialects.anthropic.usage import read_service_tier, read_usage
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# `mcp_servers` holds their credentials.
_NO_PARAMETERS = frozenset({"model", "stream", "system", "messages", "tools", "mcp_servers"})
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class AnthropicMessages:
    """`POST /v1/messages`, and the same body behind other hosts."""

    id = "anthropic.messages"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; `system` may be a string, blocks, or a message of that role."""
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream"].flag() or target.path.endswith(":streamRawPredict"),  # Vertex AI's path
            segments=tuple(_request_segments(body)),
            tools=tuple(name for tool in body["tools"] if (name := _tool_name(tool))),
            parameters=parameters(body, beside=_NO_PARAMETERS),
            conversation_id=_conversation_id(body["metadata"]["user_id"]),
            tool_results=tuple(
                result for message in body["messages"] if message.is_dict for result in tool_results(message["content"])
            ),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A message, or an error body."""
        segments = list(content_segments(body["content"], Part.ASSISTANT))
        segments += one(body["stop_details"]["explanation"], Part.ASSISTANT)
        error, reason = read_error(body["error"]), body["stop_reason"].text()
        return Response(
            model=body["model"].text(),
            id=body["id"].text(),
            segments=tuple(segments),
            tool_calls=tuple(tool_calls(body["content"])),
            finish_reason=FinishReason.ERROR if error else _finish_reason(reason),
            raw_finish_reason=reason,
            usage=read_usage(body["usage"]),
            service_tier=read_service_tier(body["usage"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed message."""
        return AnthropicStream(assembly)

    def stream_map(self) -> AnthropicMap:
        """Where the texts of one answer stand."""
        return AnthropicMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """The error body of Anthropic's API, with our code beside its type."""
        extra = [("request-id", refusal.request_id)]
        if refusal.status == 403:
            extra.append(("x-should-retry", "false"))
        return json_answer(refusal, _error_body(refusal), *extra)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The `error` event, which ends a stream."""
        return b"event: error\ndata: " + orjson.dumps(_error_body(refusal)) + b"\n\n"


def _request_segments(body: Node) -> list[Segment]:
    segments = list(content_segments(body["system"], Part.SYSTEM))
    for tool in body["tools"]:
        segments += one(tool, Part.TOOL_DEFINITION)
    for message in body["messages"]:
        segments += content_segments(message["content"], part_of_role(message["role"].text()))
    return segments


def _tool_name(tool: Node) -> str | None:
    """Toolsets of an MCP server or of the provider have no name of their own."""
    return tool["name"].text() or tool["mcp_server_name"].text() or tool["type"].text()


def _conversation_id(user_id: Node) -> str | None:
    """Claude Code puts its session into the user id: at its end, or in a JSON text."""
    text = user_id.text() or ""
    if text.startswith("{"):
        try:
            session = orjson.loads(text).get("session_id")
        except orjson.JSONDecodeError:
            return None
        return session if isinstance(session, str) and session else None
    return text.partition("_session_")[2] or None


def _finish_reason(reason: str | None) -> FinishReason | None:
    return FINISH_REASONS.get(reason, FinishReason.OTHER) if reason else None


def read_error(error: Node) -> ProviderError | None:
    """The `error` of a body; None where there is none."""
    return ProviderError(type=error["type"].text(), message=error["message"].text()) if error.is_dict else None


def _error_body(refusal: Refusal) -> Json:
    default = "api_error" if refusal.status >= 500 else "invalid_request_error"
    return {
        "type": "error",
        "error": {
            "type": _ERROR_TYPES.get(refusal.status, default),
            "message": refusal.message,
            "code": refusal.code,
        },
        "request_id": refusal.request_id,
    }
