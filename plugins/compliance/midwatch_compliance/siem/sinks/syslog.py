"""The syslog sink: RFC 5424 messages over UDP (RFC 5426), TCP with octet counting (RFC 6587), or TLS (RFC 5425).

Syslog has no answers. A message that is in the kernel's buffer when the receiver dies is lost, and by UDP any may be.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from midwatch_compliance.siem.event import SiemEvent
from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.sinks.sink import SinkError

_TIMEOUT_S = 30.0


class SyslogSink:
    """Sends to one server, over one connection that is made anew when it broke."""

    def __init__(self, name: str, host: str, port: int, lines: Lines, *, transport: str) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._lines = lines
        self._transport = transport
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, events: Sequence[SiemEvent]) -> None:
        """Send a batch. Raises SinkError."""
        messages = [self._lines.message(event).encode("utf-8", "replace") for event in events]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await (self._datagrams(messages) if self._transport == "udp" else self._stream(messages))
        except (OSError, TimeoutError) as error:  # ssl's errors are OSErrors
            await self.close()
            raise SinkError(f"syslog {self._host}:{self._port}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _datagrams(self, messages: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as sender:
            sender.setblocking(False)
            for message in messages:
                await loop.sock_sendto(sender, message, address)

    async def _stream(self, messages: Sequence[bytes]) -> None:
        reader, writer = await self._connection()
        for message in messages:
            writer.write(str(len(message)).encode() + b" " + message)
        await writer.drain()
        if reader.at_eof():
            raise ConnectionResetError("the server hung up")

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection there is, or a new one. A server that hung up shows by the end of what it never sends."""
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[1].is_closing()):
            await self.close()
        if self._streams is None:
            context = ssl.create_default_context() if self._transport == "tls" else None
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=context)
        return self._streams
