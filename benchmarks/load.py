"""The load generator: HTTP/1.1 over CONNECT and TLS with keep-alive, one connection a worker, and little else."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sim import Sim

SNI = "api.openai.com"
CHAT_PATH = "/v1/chat/completions"
# What the last event of a stream has in it: of SSE, and of Converse.
_TERMINALS = (b"data: [DONE]\n\n", b"\x08metadata")
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to send load: the proxy's port, the upstream's address behind it, the authority the client trusts.

    With `proxy_port` None the upstream is called directly (to know the generator's own floor). `sni` is who it
    is taken for.
    """

    proxy_port: int | None
    upstream_port: int
    ca_file: Path
    upstream_host: str = "127.0.0.1"
    sni: str = SNI


@dataclass(slots=True)
class Load:
    """What a run saw: seconds from first to last byte of the run, and per exchange latency and TTFT in milliseconds."""

    elapsed_s: float = 0.0
    latency_ms: list[float] = field(default_factory=list)
    ttft_ms: list[float] = field(default_factory=list)
    bytes_in: int = 0

    @property
    def exchanges(self) -> int:
        """How many exchanges were answered in full."""
        return len(self.latency_ms)

    @property
    def per_second(self) -> float:
        """Exchanges a second over the whole run."""
        return self.exchanges / self.elapsed_s if self.elapsed_s else 0.0


def chat_body(size: int = 10_000, *, stream: bool = False, salt: str = "") -> bytes:
    """An OpenAI chat request of about `size` bytes; another `salt` makes another text."""
    text = (salt + "Keep a good watch on the middle of the night. " * (size // 46 + 1))[:size]
    return json.dumps(
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "system", "content": "You are brief."}, {"role": "user", "content": text}],
            "stream": stream,
        }
    ).encode()


def chat_request(sim: Sim, *, body: bytes | None = None) -> bytes:
    """A whole HTTP/1.1 chat request that asks the simulated upstream for `sim`."""
    return json_request(SNI, CHAT_PATH, sim, chat_body(stream=sim.tokens > 0) if body is None else body)


def json_request(host: str, path: str, sim: Sim, body: bytes) -> bytes:
    """A whole HTTP/1.1 request to a provider's API, which the simulated upstream answers by `sim`."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sk-benchmark\r\n"
        f"content-type: application/json\r\nx-sim: {sim.header()}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


class Client(asyncio.Protocol):
    """One keep-alive connection. `fetch` sends a request and waits for the end of its answer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._seen = 0
        self._need: int | None = None
        self._first_body_at = 0.0
        self.bytes_in = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("closed by the proxy before the end of an answer"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self.bytes_in += len(data)
        if self._waiter and not self._waiter.done() and self._complete():
            self._waiter.set_result(None)

    def _complete(self) -> bool:
        if self._need is None and not self._read_head():
            return False
        assert self._need is not None
        if self._need >= 0:
            return len(self._buffer) >= self._need
        # A chunked body: only its tail is looked at, whole streams are not parsed here.
        if not self._first_body_at and b"data:" in self._buffer:
            self._first_body_at = time.perf_counter()
        return self._buffer.endswith(b"\r\n0\r\n\r\n") and any(mark in self._buffer[-256:] for mark in _TERMINALS)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(bytes(self._buffer[:400]).decode("latin-1"))
        length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
        chunked = b"transfer-encoding: chunked" in head
        del self._buffer[: end + 4]
        self._need = -1 if chunked else int(length or b"0")
        if self._need >= 0:
            self._first_body_at = time.perf_counter()
        return True

    async def connect(self, target: Target, context: ssl.SSLContext) -> None:
        """Open the connection: CONNECT through the proxy, if there is one, then TLS as api.openai.com."""
        loop = asyncio.get_running_loop()
        port = target.proxy_port or target.upstream_port
        transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", port)
        if target.proxy_port:
            address = f"{target.upstream_host}:{target.upstream_port}"
            await self._round_trip(f"CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n\r\n".encode())
        secured = await loop.start_tls(transport, self, context, server_hostname=target.sni)
        assert secured is not None
        self._transport = secured

    async def fetch(self, request: bytes) -> tuple[float, float]:
        """Send `request`; (latency, time to first body byte) in milliseconds."""
        begin = time.perf_counter()
        await self._round_trip(request)
        return (time.perf_counter() - begin) * 1000, (self._first_body_at - begin) * 1000

    async def _round_trip(self, request: bytes) -> None:
        self._buffer.clear()
        self._need = None
        self._first_body_at = 0.0
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await asyncio.wait_for(self._waiter, TIMEOUT_S)

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


def client_context(ca_file: Path) -> ssl.SSLContext:
    """A client's TLS context that trusts only `ca_file`."""
    context = ssl.create_default_context(cafile=str(ca_file))
    # mitmproxy's authority has no key usage extension that the strict flag of Python 3.13 wants.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    return context


type Requests = bytes | Callable[[int], bytes]
"""One request for all exchanges, or what makes the n-th."""


async def run_load(
    target: Target,
    request: Requests,
    *,
    concurrency: int,
    exchanges: int,
    warm_up: int = 2,
    at_start: Callable[[], None] | None = None,
    make: Callable[[], Client] = Client,
) -> Load:
    """Drive `exchanges` over `concurrency` connections; opening them and `warm_up` exchanges each are not timed.

    `at_start` is called when the timed part begins; `make` makes the clients.
    """
    context = client_context(target.ca_file)
    clients = [make() for _ in range(concurrency)]
    # Handshakes in small groups: hundreds at once would only measure the accept queue.
    for start in range(0, concurrency, 16):
        await asyncio.gather(*(client.connect(target, context) for client in clients[start : start + 16]))
    try:
        for _ in range(warm_up):
            await asyncio.gather(*(client.fetch(nth(request, -1)) for client in clients))
        if at_start:
            at_start()
        return await _timed(clients, request, exchanges)
    finally:
        for client in clients:
            client.close()


def nth(request: Requests, number: int) -> bytes:
    """The n-th of the requests."""
    return request if isinstance(request, bytes) else request(number)


async def _timed(clients: list[Client], request: Requests, exchanges: int) -> Load:
    load = Load()
    left = iter(range(exchanges))
    before = sum(client.bytes_in for client in clients)

    async def worker(client: Client) -> None:
        for number in left:
            latency_ms, ttft_ms = await client.fetch(nth(request, number))
            load.latency_ms.append(latency_ms)
            load.ttft_ms.append(ttft_ms)

    begin = time.perf_counter()
    await asyncio.gather(*(worker(client) for client in clients))
    load.elapsed_s = time.perf_counter() - begin
    load.bytes_in = sum(client.bytes_in for client in clients) - before
    return load
