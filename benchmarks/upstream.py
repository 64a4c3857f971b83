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
from pathlib import Path

from benchmarks.certs import write_certificates
from benchmarks.sim import Sim

HOST = "api.openai.com"
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
_SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


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
    """One connection: reads HTTP/1.1 requests with a content-length, answers each as its `x-sim` header says."""

    def __init__(self) -> None:
        self._buffer = bytearray()
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
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            size = end + 4 + int(_header(head, b"content-length") or b"0")
            if len(self._buffer) < size:
                return
            del self._buffer[:size]
            self._answer(Sim.parse((_header(head, b"x-sim") or b"").decode()))

    def _answer(self, sim: Sim) -> None:
        if not sim.tokens:
            self._transport.write(json_answer(sim.reply_bytes))
            return
        task = asyncio.get_running_loop().create_task(self._stream(sim))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stream(self, sim: Sim) -> None:
        self._transport.write(_SSE_HEAD)
        for data in stream_writes(sim.tokens, sim.events_per_write):
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
    files = write_certificates(folder, HOST)
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
