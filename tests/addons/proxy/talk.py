"""One WebSocket between a test's client and its server, with the addon in their middle; and what both would say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from mitmproxy import http
from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode

from tests.addons.proxy.conftest import Watch, make_flow

UPGRADE = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}


@dataclass
class Talk:
    """`asks` and `answers` send a message through the addon; they give what arrived at the client and at the server."""

    watch: Watch
    flow: http.HTTPFlow
    at_client: list[Any] = field(default_factory=list)
    at_server: list[Any] = field(default_factory=list)

    @classmethod
    def begin(cls, watch: Watch, path: str = "/v1/responses", **headers: str) -> Talk:
        """A WebSocket that has begun."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        flow = make_flow(path=path, method="GET", body=b"", headers={**UPGRADE, **named})
        watch.begin(flow)
        flow.websocket = WebSocketData()
        watch.sockets.websocket_start(flow)
        return cls(watch, flow)

    async def asks(self, *messages: dict[str, Any]) -> None:
        """The client sends messages."""
        for message in messages:
            await self.relay(orjson.dumps(message), from_client=True)

    async def answers(self, *messages: dict[str, Any]) -> None:
        """The server sends messages."""
        for message in messages:
            await self.relay(orjson.dumps(message), from_client=False)

    async def relay(self, content: bytes, *, from_client: bool, kind: Opcode = Opcode.TEXT) -> WebSocketMessage:
        """Any message, as mitmproxy relays it."""
        assert self.flow.websocket is not None
        message = WebSocketMessage(kind, from_client, content)
        self.flow.websocket.messages.append(message)
        waits = self.watch.sockets.websocket_message(self.flow)
        if waits is not None:
            await waits
        for to_client, aside in self.flow.metadata.pop("midwatch_asides", ()):
            (self.at_client if to_client else self.at_server).append(orjson.loads(aside))
        if not message.dropped and kind is Opcode.TEXT:
            (self.at_server if from_client else self.at_client).append(_read(message.content))
        return message

    def ends(self, *, by_client: bool, code: int = 1000) -> None:
        """One of them closes the socket."""
        assert self.flow.websocket is not None
        self.flow.websocket.closed_by_client, self.flow.websocket.close_code = by_client, code
        self.watch.sockets.websocket_end(self.flow)


def _read(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content


def create(text: str = "Hi", **more: Any) -> dict[str, Any]:
    """A client's message that begins a call of the Responses API."""
    return {"type": "response.create", "model": "gpt-5", "input": text, **more}


def answer(*deltas: str, number: int = 1) -> list[dict[str, Any]]:
    """The server's messages of a whole answer with this text."""
    text, place = "".join(deltas), {"output_index": 0, "content_index": 0, "item_id": f"msg_{number}"}
    item = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    response = {"id": f"resp_{number}", "object": "response", "model": "gpt-5-2025-08-07", "status": "in_progress"}
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**response, "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        *({"type": "response.output_text.delta", "delta": delta, **place} for delta in deltas),
        {"type": "response.output_text.done", "text": text, **place},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [item], "usage": usage},
        },
    ]
    return [{**event, "sequence_number": index} for index, event in enumerate(events)]


def item_of(text: str) -> dict[str, Any]:
    """A client's message of the Realtime protocol that begins no call."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}


def realtime_answer(*deltas: str, number: int = 1) -> list[dict[str, Any]]:
    """The server's messages of a whole answer of the Realtime protocol."""
    text, name = "".join(deltas), f"resp_{number}"
    place = {"response_id": name, "item_id": f"item_{number}", "output_index": 0, "content_index": 0}
    item = {
        "id": f"item_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text}],
    }
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    return [
        {"type": "response.created", "response": {"id": name, "status": "in_progress", "output": []}},
        *({"type": "response.output_text.delta", "delta": delta, **place} for delta in deltas),
        {"type": "response.output_text.done", "text": text, **place},
        {"type": "response.output_item.done", "response_id": name, "output_index": 0, "item": item},
        {"type": "response.done", "response": {"id": name, "status": "completed", "output": [item], "usage": usage}},
    ]


def text_of(messages: list[Any]) -> str:
    """What a client that puts the deltas together has read."""
    return "".join(item["delta"] for item in messages if item["type"] == "response.output_text.delta")
