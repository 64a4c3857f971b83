"""JSON lines over a Unix socket: how workers and commands speak with the control process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

# One line: a page of a thousand rows, or one exchange with all its texts.
LIMIT_BYTES = 64 * 1024 * 1024


class ControlAbsentError(Exception):
    """Nobody answers at the control socket."""


class Line:
    """One connection: send and receive JSON objects."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: Any) -> None:
        """Send one message. Raises OSError when the other side is gone."""
        self._writer.write(orjson.dumps(message, default=str) + b"\n")
        await self._writer.drain()

    async def receive(self) -> Any:
        """The next message, or None at the end. Raises ValueError on what is no message."""
        line = await self._reader.readline()
        return orjson.loads(line) if line else None

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(OSError):  # the other side was faster
            await self._writer.wait_closed()


class LineClient:
    """Opens connections to control."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """A connection. Raises ControlAbsentError."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=LIMIT_BYTES)
        except OSError as error:
            raise ControlAbsentError(str(error)) from error
        line = Line(reader, writer)
        try:
            yield line
        finally:
            await line.close()

    async def ask(self, message: Any, *, timeout_s: float = 30.0) -> Any:
        """One question, one answer. Raises ControlAbsentError, also when no answer comes."""
        try:
            async with asyncio.timeout(timeout_s), self.open() as line:
                await line.send(message)
                answer = await line.receive()
        except (OSError, ValueError, TimeoutError) as error:
            raise ControlAbsentError(f"control does not answer: {error}") from error
        if answer is None:
            raise ControlAbsentError("control hung up")
        return answer
