"""The proxies that are compared. Each is a process of its own; a suite under test is one more class here."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks import procstat

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
_STREAM_SCRIPT = "def responseheaders(flow):\n    flow.response.stream = True\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every host is given: a folder of its own kind, the upstream's authority, the checkout's root."""

    folder: Path
    upstream_ca: Path
    root: Path

    @property
    def confdir(self) -> Path:
        """Where all hosts find one and the same mitmproxy authority (made once, so that no start pays for it)."""
        return self.folder / "mitmproxy"

    @property
    def client_ca(self) -> Path:
        """The authority that the load generator trusts behind a proxy."""
        return self.confdir / "mitmproxy-ca-cert.pem"


class Host(Protocol):
    """A proxy under test."""

    name: str

    async def start(self, bench: Bench) -> int:
        """Start it; return the proxy's port once it listens there."""

    def pids(self) -> list[int]:
        """The processes that do its work in the data plane."""

    async def stop(self) -> None:
        """End it and everything it started."""

    def client_ca(self, bench: Bench) -> Path:
        """The authority that signs what clients see."""


@dataclass(slots=True)
class ProcessHost(ABC):
    """A proxy started by a command line; subclasses say which."""

    name: str
    started_s: float = 0.0
    console_port: int = 0
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @abstractmethod
    def command(self, bench: Bench, port: int) -> Sequence[str]:
        """The command that listens on `port`."""

    def environment(self, bench: Bench) -> dict[str, str]:
        """Variables beyond our own environment."""
        return {}

    async def start(self, bench: Bench) -> int:
        """Start the command and wait until its port accepts a connection; the time is kept in `started_s`."""
        port = free_port()
        begin = time.perf_counter()
        with (bench.folder / f"{self.name.replace('/', '_')}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command(bench, port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=bench.root,
                env={**os.environ, **self.environment(bench)},
                start_new_session=True,
            )
        await self._until_listening(port, begin)
        self.started_s = time.perf_counter() - begin
        return port

    async def _until_listening(self, port: int, begin: float) -> None:
        while not _accepts(port):
            assert self._process
            if self._process.returncode is not None:
                raise RuntimeError(f"host {self.name} ended with {self._process.returncode} before it listened")
            if time.perf_counter() - begin > START_TIMEOUT_S:
                raise TimeoutError(f"host {self.name} did not listen within {START_TIMEOUT_S:.0f} s")
            await asyncio.sleep(0.01)

    def pids(self) -> list[int]:
        """The process and its descendants."""
        assert self._process
        return procstat.family(self._process.pid)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for the whole session when that is not heard (stock can be deaf for minutes)."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def family(self) -> list[int]:
        """All processes that the command started."""
        assert self._process
        return procstat.family(self._process.pid)

    def home(self, bench: Bench) -> Path:
        """Where it keeps its files; only the suite keeps any."""
        return bench.folder

    def client_ca(self, bench: Bench) -> Path:
        """All but the suite share one authority."""
        return bench.client_ca


@dataclass(slots=True)
class StockHost(ProcessHost):
    """`mitmdump -q` as it is installed; with `stream`, a script of two lines sets `stream = True`."""

    stream: bool = False

    def command(self, bench: Bench, port: int) -> Sequence[str]:
        """mitmdump on loopback, trusting the bench's upstream."""
        options = [f"confdir={bench.confdir}", f"ssl_verify_upstream_trusted_ca={bench.upstream_ca}"]
        script: list[str] = []
        if self.stream:
            path = bench.folder / "stream.py"
            path.write_text(_STREAM_SCRIPT)
            script = ["-s", str(path)]
        sets = [word for option in options for word in ("--set", option)]
        mitmdump = str(Path(sys.executable).with_name("mitmdump"))
        return [mitmdump, "-q", "--listen-host", "127.0.0.1", "-p", str(port), *sets, *script]


@dataclass(slots=True)
class LeanHost(ProcessHost):
    """Our Master with `patches` ("all", names, or "" for none) and no addon of ours but one that streams."""

    patches: str = "all"
    stream: str = "none"
    extra: tuple[str, ...] = ()
    interpreter: tuple[str, ...] = ()

    def command(self, bench: Bench, port: int) -> Sequence[str]:
        """`python -m benchmarks.lean_proxy`."""
        words = ["--port", str(port), "--confdir", str(bench.confdir), "--upstream-ca", str(bench.upstream_ca)]
        choice = ["--patches", self.patches, "--stream", self.stream]
        return [sys.executable, *self.interpreter, "-m", "benchmarks.lean_proxy", *words, *choice, *self.extra]


@dataclass(slots=True)
class SuiteHost(ProcessHost):
    """The whole suite: `run.py start`, one worker, in a home of its own; `settings` are variables of its own."""

    settings: Mapping[str, str] = field(default_factory=dict)

    def command(self, bench: Bench, port: int) -> Sequence[str]:
        """The front door, as a user would start it (BENCH_SUITE_COMMAND replaces it, `{port}` filled in)."""
        given = os.environ.get("BENCH_SUITE_COMMAND")
        if given:
            return shlex.split(given.format(port=port, home=self.home(bench), upstream_ca=bench.upstream_ca))
        self.console_port = free_port()
        listen, console = f"127.0.0.1:{port}", f"127.0.0.1:{self.console_port}"
        home = ["--home", str(self.home(bench))]
        return [sys.executable, "run.py", "start", "--listen", listen, "--console", console, *home]

    def pids(self) -> list[int]:
        """The worker, by its command line: supervisor and control process are not in the data plane."""
        family = ProcessHost.pids(self)
        return [pid for pid in family if "worker" in procstat.command_line(pid)] or family

    def environment(self, bench: Bench) -> dict[str, str]:
        """The suite trusts the bench's upstream by its own setting, and counts calls under a limit none reaches."""
        limits = "[{id: requests, requests_per_s: 1000000, burst: 1000000}]"
        return {"MIDWATCH_UPSTREAM_CA": str(bench.upstream_ca), "MIDWATCH_LIMITS": limits, **self.settings}

    def client_ca(self, bench: Bench) -> Path:
        """The suite's own authority."""
        return self.home(bench) / "ca" / "mitmproxy-ca-cert.pem"

    def home(self, bench: Bench) -> Path:
        """The suite's home."""
        return bench.folder / f"home-{self.name}"


_BLIND = {"MIDWATCH_PLUGINS__ALLOW": "[rules-data, pricing, sql, memory, web]"}
HOSTS: dict[str, Callable[[], ProcessHost]] = {
    "stock": lambda: StockHost("stock"),
    "stock-stream": lambda: StockHost("stock-stream", stream=True),
    "plain": lambda: LeanHost("plain", patches=""),
    "lean": lambda: LeanHost("lean"),
    "lean-stream": lambda: LeanHost("lean-stream", stream="true"),
    "suite": lambda: SuiteHost("suite"),
    "suite, no detectors": lambda: SuiteHost("suite, no detectors", settings=_BLIND),
    "suite, balanced": lambda: SuiteHost("suite, balanced", settings={"MIDWATCH_POLICY": "balanced"}),
}
"""Every host a benchmark may name; a new one is a line here."""


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
