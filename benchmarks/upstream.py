"""A provider made of canned bytes: as light as asyncio allows, so that the proxy under test is what is measured.

`python -m benchmarks.upstream --folder DIR` prints one JSON line, {"port": …, "ca_file": …}, and serves until
its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.certs import write_certificates
from benchmarks.frames import accepted, aws_writes, frame_size, socket_writes
from benchmarks.names import AZURE
from benchmarks.sim import Sim

HOST = "api.openai.com"
BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"
DONE = b"data: [DONE]\n\n"
_EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini",'
    b'"choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]}\n\n'
)
_FINISH = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini",'
    b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":2500,"completion_tokens":2000,"total_tokens":4500}}\n\n'
)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"
_SSE_HEAD, _AWS_HEAD = _HEAD % b"text/event-stream", _HEAD % b"application/vnd.amazon.eventstream"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@functools.cache
def json_answer(reply_bytes: int) -> bytes:
    """A whole HTTP/1.1 answer whose chat completion is about `reply_bytes` long."""
    message = {"role": "assistant", "content": ("The watch is kept. " * (reply_bytes // 19 + 1))[:reply_bytes]}
    body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 2500, "completion_tokens": 2000, "total_tokens": 4500},
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@functools.cache
def stream_writes(tokens: int, events_per_write: int) -> tuple[bytes, ...]:
    """The body's writes, each an HTTP chunk; the last one holds the finish, `[DONE]` and the end of the body."""
    writes = []
    left = tokens
    while left > 0:
        count = min(left, events_per_write)
        writes.append(_chunk(_EVENT * count))
        left -= count
    writes.append(_chunk(_FINISH + DONE) + b"0\r\n\r\n")
    return tuple(writes)


class Provider(asyncio.Protocol):
    """One connection: reads HTTP/1.1 requests with a content-length, answers each as its `x-sim` header says.

    One that asks for a WebSocket gets it, and then a response for each message.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._socket: Sim | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        for task in self._tasks:
            task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._socket is not None:
            self._take_messages(self._socket)
            return
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            size = end + 4 + int(_header(head, b"content-length") or b"0")
            if len(self._buffer) < size:
                return
            raw, sim = bytes(self._buffer[:end]), Sim.parse((_header(head, b"x-sim") or b"").decode())
            del self._buffer[:size]
            if _header(head, b"upgrade") == b"websocket":
                self._socket = sim
                self._transport.write(accepted(_header(raw, b"sec-websocket-key") or b""))
                return
            self._answer(sim)

    def _take_messages(self, sim: Sim) -> None:
        while len(self._buffer) >= (size := frame_size(self._buffer)):
            del self._buffer[:size]
            self._begin(socket_writes(sim.tokens, sim.events_per_write), sim)

    def _answer(self, sim: Sim) -> None:
        if not sim.tokens:
            self._transport.write(json_answer(sim.reply_bytes))
            return
        self._transport.write(_AWS_HEAD if sim.aws else _SSE_HEAD)
        self._begin((aws_writes if sim.aws else stream_writes)(sim.tokens, sim.events_per_write), sim)

    def _begin(self, writes: Sequence[bytes], sim: Sim) -> None:
        task = asyncio.get_running_loop().create_task(self._stream(writes, sim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stream(self, writes: Sequence[bytes], sim: Sim) -> None:
        for data in writes:
            await self._writable.wait()
            if self._transport.is_closing():
                return
            self._transport.write(data)
            # One write, one read at the proxy: without a turn of the loop the kernel would join them.
            await asyncio.sleep(sim.gap_ms / 1000)


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


async def serve(folder: Path) -> None:
    """Serve on a free loopback port until standard input closes."""
    files = write_certificates(folder, HOST, BEDROCK, f"*.{AZURE}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.leaf_file, files.key_file)
    context.set_alpn_protocols(["http/1.1"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0, ssl=context, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "ca_file": str(files.ca_file)}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Entry point of `python -m benchmarks.upstream`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    asyncio.run(serve(parser.parse_args().folder))


if __name__ == "__main__":
    main()
