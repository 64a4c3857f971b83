"""The Model Context Protocol over HTTP: JSON-RPC 2.0 by the streamable transport, and by the one with SSE before it.

modelcontextprotocol.io/specification/2025-11-25/basic/transports, and the same of 2024-11-05.
"""

from collections.abc import Iterator, Mapping

from midwatch_core.model.content import FinishReason, Json, Operation, Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Dialect, Refusal, StreamReader
from midwatch_core.wire.dialects.mcp import outcome as mcp_outcome
from midwatch_core.wire.dialects.mcp.awaited import Awaited, awaited_by
from midwatch_core.wire.dialects.mcp.map import McpMap
from midwatch_core.wire.dialects.mcp.stream import McpStream
from midwatch_core.wire.dialects.mcp.texts import message_texts
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_OPERATIONS = {"tools/call": Operation.EXECUTE_TOOL, "tools/list": Operation.LIST_TOOLS}
_NOTHING = Awaited()
# Settings and names; all else may be somebody's words, which are masked as segments and nowhere else.
_PARAMETERS = frozenset(
    {
        "capabilities",
        "clientInfo",
        "cursor",
        "level",
        "name",
        "progress",
        "progressToken",
        "protocolVersion",
        "requestId",
        "task",
        "taskId",
        "total",
    }
)


class Mcp:
    """Calls to a tool's server. No model is asked; what is said is what a model asked for, and what it will read.

    A GET is a stream on which the server speaks unasked, and on which the older transport answers.
    """

    id = "mcp"
    operation = Operation.MCP

    def __init__(self, awaited: Awaited = _NOTHING) -> None:
        self._awaited = awaited

    def bound(self, document: Json, target: Target) -> Dialect:
        """The dialect of one call, which knows by their ids the answers that its client waits for."""
        return Mcp(awaited_by(document, here="text/event-stream" in target.headers.get("accept", "").lower()))

    def read_request(self, body: Node, target: Target) -> Request:
        """One message or a batch. Of a batch, the first that asks for anything names the operation."""
        messages = list(_messages(body))
        named = [(method, item["params"]) for item in messages if (method := item["method"].text())]
        first = next((item for item in named if item[0] in _OPERATIONS), named[0] if named else None)
        return Request(
            operation=_OPERATIONS.get(first[0], self.operation) if first else self.operation,
            stream=target.method == "GET",
            segments=tuple(segment for item in messages for segment in message_texts(item, by_client=True)),
            tools=tuple(name for kind, item in named if kind == "tools/call" and (name := item["name"].text())),
            parameters=_settings(*first) if first else {},
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer sent whole, be it JSON-RPC's error or HTTP's."""
        messages = list(_messages(body))
        error = next(filter(None, map(mcp_outcome.read_error, messages)), None)
        failed = any(map(mcp_outcome.has_failed, messages))
        return Response(
            segments=tuple(segment for item in messages for segment in message_texts(item)),
            finish_reason=FinishReason.ERROR if error or failed else None,
            raw_finish_reason=mcp_outcome.FAILED if failed else None,
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one stream."""
        return McpStream(assembly, self._awaited)

    def stream_map(self) -> McpMap:
        """Where the texts of one stream stand."""
        return McpMap(self._awaited)

    def refuse(self, refusal: Refusal) -> Answer:
        """A JSON-RPC error."""
        return mcp_outcome.refuse(refusal, self._awaited)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The same as the stream's last event."""
        return mcp_outcome.refuse_in_stream(refusal, self._awaited)


def _settings(method: str, params: Node) -> Mapping[str, Json]:
    beside = {key for key, _ in params.members() if key not in _PARAMETERS}
    return {"method": method, **parameters(params, beside=beside)}


def _messages(body: Node) -> Iterator[Node]:
    """The messages of a body: none where it is empty, as a GET's and the answer to a notification."""
    if body.is_list:
        yield from body
    elif body:
        yield body
