"""The load: clients of httpx behind the proxy, each call with a marker in its text that only it has."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.killing import CHAT_HOST, DEADLINE_S, DONE, MESSAGES_HOST, Attempt, Load

# Between two calls of a client: steady, and light on a machine that has other work.
_PAUSE_S = (0.1, 0.3)
_MAX_TOKENS = 64
# What a conversation weighs.
_PADDING = "The gate is shut, the fires are low, and nobody has come by the river road since noon. " * 12
KINDS = ("openai", "openai stream", "anthropic", "anthropic stream")


def marker(trace_id: str) -> str:
    """What only the text of this call says."""
    return f"the watchword is {trace_id}"


def request_of(kind: str, trace_id: str) -> tuple[str, dict[str, Any]]:
    """The URL and body of a call."""
    content = f"{_PADDING}Tonight {marker(trace_id)}."
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "max_tokens": _MAX_TOKENS}
    if kind.endswith("stream"):
        body["stream"] = True
    if kind.startswith("anthropic"):
        return f"https://{MESSAGES_HOST}/v1/messages", {"model": "claude-sonnet-5", **body}
    if "stream" in body:
        body["stream_options"] = {"include_usage": True}
    return f"https://{CHAT_HOST}/v1/chat/completions", {"model": "gpt-4o-mini", **body}


def check_whole(kind: str, status: int, body: bytes) -> None:
    """Raises ValueError where that is not the whole answer to a call."""
    if status != 200:
        raise ValueError(f"status {status}: {body[:200]!r}")
    if kind == "openai stream" and DONE not in body:
        raise ValueError("the stream ended before [DONE]")
    if kind == "anthropic stream" and b"event: message_stop" not in body:
        raise ValueError("the stream ended before message_stop")
    if not kind.endswith("stream"):
        json.loads(body)


@dataclass
class Crowd(Load):
    """Clients that call until told to end. Closing the gate lets calls under way end and no new one begin.

    `sent_s` are the moments at which requests had gone out whole, by their trace ids.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    sent_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate.set()

    def awaiting(self) -> int:
        """Calls whose request has gone out and whose answer has not ended."""
        return sum(not attempt.ended_s and attempt.trace_id in self.sent_s for attempt in self.attempts[-200:])

    async def run(self, clients: int) -> None:
        """All clients; every other one keeps its connection for several calls."""
        await asyncio.gather(
            *(self._chatter(KINDS[number % len(KINDS)], number % 8 < 4, number) for number in range(clients))
        )

    async def _chatter(self, kind: str, keeps: bool, seed: int) -> None:
        chance = random.Random(seed)
        while not self.ended.is_set():
            line = _Line(self.proxy, self.trust, self.sent_s)
            async with line.web:
                for _ in range(8 if keeps else 1):
                    await self.gate.wait()
                    if self.ended.is_set():
                        return
                    attempt = await self._call(line, kind)
                    await asyncio.sleep(chance.uniform(*_PAUSE_S))
                    if not attempt.whole:
                        break

    async def _call(self, line: _Line, kind: str) -> Attempt:
        attempt = Attempt(secrets.token_hex(16), kind, line.opened_s, time.monotonic())
        self.attempts.append(attempt)
        try:
            async with asyncio.timeout(DEADLINE_S):
                check_whole(kind, *await line.post(*request_of(kind, attempt.trace_id), attempt.trace_id))
        except (httpx.HTTPError, ValueError, TimeoutError, OSError) as error:
            attempt.error = f"{type(error).__name__}: {error}"
        attempt.opened_s = line.opened_s
        attempt.ended_s = time.monotonic()
        return attempt


class _Line:
    """A client with one connection. `opened_s` is when that was asked for, infinity before.

    Not when it is heard to be made: a worker may have taken it, and be killed, before a busy client hears of it.
    """

    def __init__(self, proxy: tuple[str, int], trust: ssl.SSLContext, sent_s: dict[str, float]) -> None:
        self.opened_s = float("inf")
        self._sent_s = sent_s
        self.web = httpx.AsyncClient(
            proxy=f"http://{proxy[0]}:{proxy[1]}",
            verify=trust,
            trust_env=False,
            timeout=DEADLINE_S,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=DEADLINE_S),
        )

    async def post(self, url: str, body: dict[str, Any], trace_id: str) -> tuple[int, bytes]:
        """One call: status and body."""
        method = b""

        async def traced(event: str, info: dict[str, Any]) -> None:
            nonlocal method
            if event == "connection.connect_tcp.started":
                self.opened_s = time.monotonic()
            elif event == "http11.send_request_headers.started":
                method = info["request"].method  # the tunnel's CONNECT is one too
            elif event == "http11.send_request_body.complete" and method == b"POST":
                self._sent_s[trace_id] = time.monotonic()

        headers = {
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
            "x-sim-id": trace_id,
            "x-sim": "tokens=20,gap_ms=5,delay_ms=20",
        }
        answer = await self.web.post(url, json=body, headers=headers, extensions={"trace": traced})
        return answer.status_code, answer.content
