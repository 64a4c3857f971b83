"""A real proxy in the test's own loop, whom its clients trust, and origins for it to go to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.certs import CertStore

from midwatch.lean import LeanMaster, Listening, Patch, make_master


@dataclass(frozen=True)
class Trust:
    """Folders and files of the upstream's authority and of the proxy's."""

    confdir: Path
    upstream_ca: Path
    leaf: Path


@pytest.fixture(scope="session", autouse=True)
def _journalled_before_it_is_read() -> Iterator[None]:
    """On a busy machine the journal's thread may need longer than an answer waits for it at work."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("midwatch.proxy.journaling.WAIT_S", 60.0)
        yield


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("trust")
    store = CertStore.from_store(folder / "upstream", "upstream", 2048)
    CertStore.from_store(folder / "proxy", "mitmproxy", 2048)
    entry = store.get_cert("localhost", [x509.DNSName("localhost")], None)
    from cryptography.hazmat.primitives import serialization as s

    key = entry.privatekey.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    leaf = folder / "leaf.pem"
    leaf.write_bytes(entry.cert.to_pem() + key)
    return Trust(confdir=folder / "proxy", upstream_ca=folder / "upstream" / "upstream-ca-cert.pem", leaf=leaf)


@dataclass
class Proxy:
    master: LeanMaster
    port: int
    trust: Trust
    task: asyncio.Task[None]

    def client(self, *, http2: bool = False) -> httpx.AsyncClient:
        """A client that goes through the proxy and trusts its authority."""
        return httpx.AsyncClient(proxy=f"http://127.0.0.1:{self.port}", verify=self.trusting(), http2=http2, timeout=60)

    def trusting(self) -> ssl.SSLContext:
        """A client's trust in the proxy's authority, and in nothing else."""
        context = ssl.create_default_context(cafile=str(self.trust.confdir / "mitmproxy-ca-cert.pem"))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    async def until_quiet(self, timeout_s: float = 10) -> None:
        """Wait until every client connection is gone. Raises TimeoutError."""
        proxyserver = self.master.addons.get("proxyserver")
        async with asyncio.timeout(timeout_s):
            while proxyserver.connections:
                await asyncio.sleep(0.005)


type StartProxy = Callable[..., contextlib.AbstractAsyncContextManager[Proxy]]


@pytest.fixture
def start_proxy(trust: Trust) -> StartProxy:
    logging.getLogger("mitmproxy").setLevel(logging.WARNING)

    @contextlib.asynccontextmanager
    async def start(
        patches: Sequence[Patch],
        addons: Sequence[object] = (),
        *,
        listening: Listening | None = None,
        tls: TlsConfig | None = None,
        **options: object,
    ) -> AsyncIterator[Proxy]:
        chosen = {
            "confdir": str(trust.confdir),
            "listen_host": "127.0.0.1",
            "listen_port": 0,
            "ssl_verify_upstream_trusted_ca": str(trust.upstream_ca),
            **options,
        }
        master = make_master(chosen, addons, patches=patches, listening=listening, tls=tls)
        proxyserver = master.addons.get("proxyserver")
        task = asyncio.create_task(master.run())
        try:
            while not proxyserver.is_running:
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
            proxy = Proxy(master, proxyserver.listen_addrs()[0][1], trust, task)
            yield proxy
            with contextlib.suppress(TimeoutError):  # of tests whose client stays on purpose
                await proxy.until_quiet(1)
        finally:
            master.shutdown()  # type: ignore[no-untyped-call]  # mitmproxy leaves it untyped
            await asyncio.wait([task], timeout=60)
            master.patches.revert()

    return start


type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
type StartOrigin = Callable[..., Awaitable[int]]


@pytest.fixture
async def start_origin() -> AsyncIterator[StartOrigin]:
    """Has clients of a port, which it gives, served until the test ends; by then `serve` must be done with them."""
    origins: list[asyncio.Server] = []

    async def start(serve: Serve, host: str = "127.0.0.1") -> int:
        origins.append(await asyncio.start_server(serve, host, 0))
        port: int = origins[-1].sockets[0].getsockname()[1]
        return port

    yield start
    for origin in origins:
        origin.close()
        await asyncio.wait_for(origin.wait_closed(), 60)  # a transport left behind complains wherever it is collected
