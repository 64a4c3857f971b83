"""OpenAI's Realtime protocol, over WebSocket: today's shapes and the beta's, which Azure and others still speak."""

import orjson

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.messages import read_tool_definitions
from midwatch_core.wire.dialects.openai.realtime_items import (
    read_realtime_item,
    read_results,
    read_settings,
    written_items,
)
from midwatch_core.wire.dialects.openai.realtime_map import RealtimeMap
from midwatch_core.wire.dialects.openai.realtime_socket import RealtimeSocketReader
from midwatch_core.wire.dialects.openai.realtime_stream import RealtimeStreamReader
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"id", "input", "instructions", "model", "object", "prompt", "tools", "type"})


class OpenAIRealtime:
    """`wss://…/realtime` (https://developers.openai.com/api/docs/guides/realtime-websocket).

    A client's message is read by itself, and so is what `openai_realtime_conversation` puts together for a call: the
    settings are in `session` and `response`, what was written in `item`, `items` and the response's `input`.
    """

    id = "openai.realtime"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """Settings and items."""
        session, response = body["session"], body["response"]
        definitions = [*read_tool_definitions(session["tools"]), *read_tool_definitions(response["tools"])]
        return Request(
            operation=self.operation,
            model=session["model"].text() or model_of(target),
            stream=True,
            segments=(
                *(segment for _, segment in definitions),
                *read_settings(session),
                *read_settings(response),
                *(segment for item in written_items(body) for segment in read_realtime_item(item)),
            ),
            tools=tuple(name for name, _ in definitions if name),
            tool_results=tuple(read_results(body)),
            parameters=parameters(session, beside=_BESIDE) | parameters(response, beside=_BESIDE),
            conversation_id=session["id"].text(),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Only an error comes in one piece: the answer to a handshake that failed."""
        return Response(error=openai_errors.read_error(body, failed=status >= 400))

    def stream_reader(self, assembly: Assembly) -> RealtimeStreamReader:
        """A reader for one response, or one transcription."""
        return RealtimeStreamReader(assembly)

    def stream_map(self) -> RealtimeMap:
        """Where the texts of one response, or of one transcription, stand."""
        return RealtimeMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`; there is no such stream, but a gateway may make one."""
        return openai_errors.refuse_in_stream(refusal)

    def socket_reader(self, target: Target) -> RealtimeSocketReader:
        """A reader for one socket."""
        return RealtimeSocketReader(self, target)

    def refuse_on_socket(self, refusal: Refusal) -> tuple[bytes, ...]:
        """An `error` event, as the server itself refuses a message; the session goes on."""
        error = openai_errors.error_document(refusal) | {"event_id": None}
        event = {"type": "error", "event_id": f"event_{refusal.request_id}", "error": error}
        return (orjson.dumps(event),)


def model_of(target: Target) -> str | None:
    """The model, by the address: Azure's preview calls it a deployment."""
    return target.query.get("model") or target.query.get("deployment") or target.captures.get("model")
