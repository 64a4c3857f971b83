"""All simulated providers behind two loopback ports: TLS (HTTP/1.1 and HTTP/2) and plain HTTP."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self, cast

from midwatch.simulated.received import Ledger, Received
from midwatch.simulated.script import Script
from midwatch.simulated.service import Service
from midwatch.simulated.transport.http1 import Http1Connection
from midwatch.simulated.transport.http2 import Http2Connection
from midwatch.simulated.transport.tls import SimulatedCA

_BACKLOG = 4096


class SimulatedProviders:
    """A server that answers as OpenAI, Anthropic, Gemini, Ollama and those who speak their languages.

    `async with SimulatedProviders(folder=tmp_path) as sim:` listens on `hosts` until the block ends. `folder` gets
    `ca.pem`; `extra_names` are further host names (or addresses) of the certificate; `script` is how it behaves where
    a request does not say otherwise by `x-sim`; ports of 0 are chosen by the system, another for each host; with
    `record=False` requests are only counted; `http2=False` offers HTTP/1.1 alone; with `client_ca` (PEM) nobody speaks
    TLS to it without a certificate of that authority. Raises OSError for a port that is taken or a folder that can't be
    written.
    """

    def __init__(
        self,
        *,
        folder: Path,
        extra_names: Iterable[str] = (),
        script: Script | None = None,
        tls_port: int = 0,
        http_port: int = 0,
        record: bool = True,
        http2: bool = True,
        hosts: Sequence[str] = ("127.0.0.1",),
        client_ca: Path | None = None,
    ) -> None:
        self._hosts = tuple(hosts)
        self.tls_port = tls_port
        self.http_port = http_port
        self.ledger = Ledger() if record else Ledger(limit=0)
        self._ca = SimulatedCA(folder)
        alpn = ("h2", "http/1.1") if http2 else ("http/1.1",)
        self._context = self._ca.context(extra_names, alpn=alpn)
        if client_ca is not None:
            self._context.load_verify_locations(client_ca)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._service = Service(ledger=self.ledger, script=script or Script())
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.BaseTransport] = set()

    @property
    def ca_file(self) -> Path:
        """The authority's certificate (PEM), for clients and proxies to trust."""
        return self._ca.ca_file

    @property
    def received(self) -> list[Received]:
        """What arrived, oldest first; bounded (see Ledger)."""
        return self.ledger.items

    @property
    def counts(self) -> Counter[str]:
        """Requests by their `x-sim-id` header."""
        return self.ledger.counts

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        tls = await loop.create_server(
            lambda: AlpnSwitch(self._service, self._open),
            self._hosts,
            self.tls_port,
            ssl=self._context,
            backlog=_BACKLOG,
        )
        self._servers.append(tls)
        self.tls_port = tls.sockets[0].getsockname()[1]
        plain = await loop.create_server(
            lambda: TrackedHttp1(self._service, self._open), self._hosts, self.http_port, backlog=_BACKLOG
        )
        self._servers.append(plain)
        self.http_port = plain.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for transport in list(self._open):
            cast(asyncio.Transport, transport).abort()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()


class TrackedHttp1(Http1Connection):
    """An HTTP/1.1 connection that the server knows, to close it at the end."""

    def __init__(self, service: Service, known: set[asyncio.BaseTransport]) -> None:
        super().__init__(service)
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._known.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._known.discard(self._transport)
        super().connection_lost(exc)


class TrackedHttp2(Http2Connection):
    """An HTTP/2 connection that the server knows, to close it at the end."""

    def __init__(self, service: Service, known: set[asyncio.BaseTransport]) -> None:
        super().__init__(service)
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._known.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._known.discard(self._transport)
        super().connection_lost(exc)


class AlpnSwitch(asyncio.Protocol):
    """Hands a TLS connection to HTTP/2 or HTTP/1.1, as the handshake agreed."""

    def __init__(self, service: Service, known: set[asyncio.BaseTransport]) -> None:
        self._service = service
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done."""
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        kind = TrackedHttp2 if chosen == "h2" else TrackedHttp1
        protocol = kind(self._service, self._known)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
