"""A house under load whose processes can be killed: providers and proxy as processes, raw clients, who fell when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient

ROOT = Path(__file__).resolve().parents[2]
CHAT_HOST, MESSAGES_HOST = "api.openai.com", "api.anthropic.com"
# Nothing waits this long unless it is broken.
DEADLINE_S = 60.0
DONE = b"data: [DONE]\n\n"
_MODULES = {"worker": "midwatch.proxy.worker", "control": "midwatch.control.process"}
_FOREIGN = ("MIDWATCH_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)}


@contextlib.asynccontextmanager
async def simulated_providers(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """The simulated providers as a process: its ports and its CA."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "midwatch.simulated", "--quiet", "--folder", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), DEADLINE_S))
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), DEADLINE_S)


class House:
    """`run.py` in a home of its own, not started yet. `settings` stand beside what leads the providers' names here."""

    def __init__(
        self,
        folder: Path,
        providers: dict[str, Any],
        *,
        root: Path | None = None,
        settings: Mapping[str, Any] = {},
    ) -> None:
        self.home = Home(root or folder / "home")
        self.config_file = folder / "config.yaml"
        self._log = folder / "log"
        to = f"127.0.0.1:{providers['tls_port']}"
        self._settings = {
            "upstream_ca": providers["ca_file"],
            "connect_to": {CHAT_HOST: to, MESSAGES_HOST: to},
            "drain_s": 20,
        }
        # Where it listens, once that is known: it listens there again when it is started anew.
        self._places = ("127.0.0.1:0", "127.0.0.1:0")
        self.configure(settings)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the configuration's file anew."""
        fresh = self.config_file.with_suffix(".new")
        fresh.write_text(yaml.safe_dump({**self._settings, **settings}))
        fresh.replace(self.config_file)

    def start(self) -> None:
        """Start it; `ready` tells when it serves."""
        listen, console = self._places
        words = ("--config", str(self.config_file), "--listen", listen, "--console", console, "--workers", "1")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), "--home", str(self.home.root), *words],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=_environment(),
            )

    @property
    def log(self) -> str:
        """What it said, its last pages."""
        return self._log.read_text(errors="replace")[-8000:]

    async def ready(self) -> tuple[str, int]:
        """Where the proxy listens, once it serves."""

        async def look() -> dict[str, Any] | None:
            assert self._process.poll() is None, self.log
            status = await self.status()
            return status if status and status["ready"] else None

        status = await until(look, "the house to be ready")
        self._places = (status["listen"], status["console"])
        host, _, port = status["listen"].rpartition(":")
        return host, int(port)

    async def status(self) -> dict[str, Any] | None:
        """What control says of the house; None while there is none."""
        return await self.ask({"op": "status"})

    async def ask(self, message: dict[str, Any], timeout_s: float = 10.0) -> dict[str, Any] | None:
        """One question to control; None while there is none, or it does not answer."""
        try:
            answer: dict[str, Any] = await LineClient(self.home.control_socket).ask(message, timeout_s=timeout_s)
        except ControlAbsentError:
            return None
        return answer

    def said(self, text: str) -> int:
        """How often it has said so in its log."""
        return self._log.read_text(errors="replace").count(text)

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        self._process.send_signal(number)

    def pid(self, kind: str) -> int | None:
        """The living `worker` or `control` process."""
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, check=True)
        for line in listing.stdout.decode(errors="replace").splitlines():
            pid, parent, state, words = line.split(None, 3)
            if int(parent) == self._process.pid and _MODULES[kind] in words and not state.startswith("Z"):
                return int(pid)
        return None

    def trust(self) -> ssl.SSLContext:
        """A client's trust in our CA, and in nothing else."""
        return ssl.create_default_context(cafile=str(self.home.ca_certificate))

    async def end(self) -> int:
        """SIGTERM; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self._process.wait, DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children see the pipe close and end
            raise

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the CLI in this home."""
        where = ("--home", str(self.home.root), "--config", str(self.config_file))
        return subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *words, *where],
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )

    def stored(self) -> list[dict[str, Any]]:
        """What `traces --json` prints: all of it."""
        done = self.run("traces", "--json", "--limit", "1000000")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


async def until(look: Any, what: str, deadline_s: float = DEADLINE_S) -> Any:
    """The first answer of `look` that is true."""
    end = time.monotonic() + deadline_s
    while not (found := await look()):
        assert time.monotonic() < end, f"waited {deadline_s:.0f} s in vain for {what}"
        await asyncio.sleep(0.02)
    return found


@dataclass(slots=True)
class Attempt:
    """One call. Its connection was opened at `opened_s`; it began at `began_s` and ended, well or not, at `ended_s`."""

    trace_id: str
    kind: str
    opened_s: float
    began_s: float
    ended_s: float = 0.0
    error: str = ""

    @property
    def whole(self) -> bool:
        """Whether the client had the response in full."""
        return bool(self.ended_s) and not self.error


class Tunnel:
    """A TLS connection to a provider through the proxy, spoken to in HTTP/1.1 by hand."""

    def __init__(self, host: str, opened_s: float) -> None:
        self.host = host
        self.opened_s = opened_s
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, proxy: tuple[str, int], trust: ssl.SSLContext) -> None:
        """Connect, ask for the tunnel, shake hands."""
        self._reader, self._writer = await asyncio.open_connection(*proxy)
        self._writer.write(f"CONNECT {self.host}:443 HTTP/1.1\r\nhost: {self.host}:443\r\n\r\n".encode())
        status, _ = await self._head()
        if status != 200:
            raise ConnectionError(f"CONNECT: {status}")
        await self._writer.start_tls(trust, server_hostname=self.host)

    @property
    def usable(self) -> bool:
        """Whether the other side has not hung up, as far as can be seen."""
        return self._writer is not None and not self._reader.at_eof() and not self._writer.is_closing()

    async def call(self, trace_id: str, path: str, body: dict[str, Any], *, leave_at: bytes = b"") -> bytes:
        """One request and its response's body; with `leave_at`, only until that has come."""
        assert self._writer is not None
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.host}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(data)}\r\ntraceparent: 00-{trace_id}-{secrets.token_hex(8)}-01\r\n"
            f"x-sim-id: {trace_id}\r\nx-sim: tokens=20,gap_ms=3,delay_ms=5\r\n\r\n"
        )
        self._writer.write(head.encode() + data)
        status, fields = await self._head()
        if status != 200:
            raise ConnectionError(f"status {status}")
        if "content-length" in fields:
            return await self._reader.readexactly(int(fields["content-length"]))
        return await self._chunked(leave_at)

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _head(self) -> tuple[int, dict[str, str]]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split()[1]), fields

    async def _chunked(self, leave_at: bytes) -> bytes:
        body = b""
        while size := int(await self._reader.readline() or b"0", 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            if leave_at and leave_at in body:
                return body
        if await self._reader.readexactly(2) != b"\r\n":
            raise ConnectionError("no end of the chunked body")
        return body


# kind → host, path, body, where its client leaves (empty: it reads to the end)
_MESSAGES = [{"role": "user", "content": "Who walks the wall tonight?"}]
KINDS: dict[str, tuple[str, str, dict[str, Any], bytes]] = {
    "json": (CHAT_HOST, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": _MESSAGES}, b""),
    "sse to the end": (
        CHAT_HOST,
        "/v1/chat/completions",
        {"model": "gpt-4o-mini", "messages": _MESSAGES, "stream": True, "stream_options": {"include_usage": True}},
        b"",
    ),
    "sse left at [DONE]": (
        CHAT_HOST,
        "/v1/chat/completions",
        {"model": "gpt-4o-mini", "messages": _MESSAGES, "stream": True, "stream_options": {"include_usage": True}},
        DONE,
    ),
    "anthropic sse": (
        MESSAGES_HOST,
        "/v1/messages",
        {"model": "claude-sonnet-5", "messages": _MESSAGES, "max_tokens": 64, "stream": True},
        b"",
    ),
    "anthropic json": (
        MESSAGES_HOST,
        "/v1/messages",
        {"model": "claude-sonnet-5", "messages": _MESSAGES, "max_tokens": 64},
        b"",
    ),
}
_BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError)


@dataclass
class Load:
    """Clients that call without pause until told to end. All they did is in `attempts`."""

    proxy: tuple[str, int]
    trust: ssl.SSLContext
    attempts: list[Attempt] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, clients: int) -> None:
        """All clients, each with its own kind of call; every other one keeps its connection for several calls."""
        kinds = list(KINDS)
        await asyncio.gather(*(self._client(kinds[n % len(kinds)], keeps=n % 2 == 0, seed=n) for n in range(clients)))

    def in_flight(self) -> int:
        """Calls that have begun and not ended."""
        return sum(not attempt.ended_s for attempt in self.attempts[-200:])

    def served_since(self, moment_s: float) -> int:
        """Calls that began after a moment and were answered."""
        return sum(attempt.whole and attempt.began_s > moment_s for attempt in self.attempts[-2000:])

    async def _client(self, kind: str, *, keeps: bool, seed: int) -> None:
        chance = random.Random(seed)
        tunnel: Tunnel | None = None
        while not self.ended.is_set():
            if tunnel is not None and not (keeps and tunnel.usable and chance.random() < 0.9):
                await tunnel.close()
                tunnel = None
            tunnel = await self._attempt(kind, tunnel)
            await asyncio.sleep(chance.uniform(0.0, 0.03))
        if tunnel is not None:
            await tunnel.close()

    async def _attempt(self, kind: str, tunnel: Tunnel | None) -> Tunnel | None:
        """One call, over `tunnel` or a new one; the connection if it can be used again."""
        host, path, body, leave_at = KINDS[kind]
        now = time.monotonic()
        fresh, tunnel = tunnel is None, tunnel or Tunnel(host, now)
        attempt = Attempt(secrets.token_hex(16), kind, tunnel.opened_s, now)
        self.attempts.append(attempt)
        try:
            async with asyncio.timeout(DEADLINE_S):
                if fresh:
                    await tunnel.open(self.proxy, self.trust)
                answer = await tunnel.call(attempt.trace_id, path, body, leave_at=leave_at)
            _check(kind, answer)
        except _BROKEN as error:
            attempt.error = f"{type(error).__name__}: {error}"
        attempt.ended_s = time.monotonic()
        if attempt.error or leave_at:
            await tunnel.close()
            return None
        return tunnel


def _check(kind: str, answer: bytes) -> None:
    """Whether that is the whole answer. Raises ValueError."""
    if kind.endswith("json"):
        json.loads(answer)
    elif kind.startswith("anthropic"):
        if b"event: message_stop" not in answer:
            raise ValueError("the stream ended before message_stop")
    elif DONE not in answer:
        raise ValueError("the stream ended before [DONE]")


@dataclass
class Killer:
    """Kills, waits until the house has recovered, and remembers when."""

    house: House
    load: Load
    worker_kills_s: list[float] = field(default_factory=list)
    control_kills_s: list[float] = field(default_factory=list)
    in_flight: int = 0
    slowest_s: dict[str, float] = field(default_factory=dict)

    async def kill_worker(self) -> None:
        """kill -9 of the worker; back when calls begun after it are answered, by a new process."""
        killed = self._kill("worker", self.worker_kills_s)
        moment_s = self.worker_kills_s[-1]
        self.in_flight += self.load.in_flight()

        async def served() -> bool:
            return self.load.served_since(moment_s) >= 3

        await until(served, "calls to be served again")
        assert self.house.pid("worker") not in (None, killed), self.house.log
        self._note("worker", moment_s)

    async def kill_control(self) -> None:
        """kill -9 of control; back when a new one answers."""
        killed = self._kill("control", self.control_kills_s)

        async def answers() -> bool:
            status = await self.house.status()
            return status is not None and status["pid"] != killed

        await until(answers, "control to be back")
        self._note("control", self.control_kills_s[-1])

    def excepted(self, attempt: Attempt) -> bool:
        """Whether a failed call was in flight on a killed worker: its connection lived when the worker died."""
        return any(attempt.opened_s <= moment_s <= attempt.ended_s for moment_s in self.worker_kills_s)

    def _kill(self, kind: str, moments_s: list[float]) -> int:
        pid = self.house.pid(kind)
        assert pid is not None, f"no {kind} to kill\n{self.house.log}"
        moments_s.append(time.monotonic())
        os.kill(pid, signal.SIGKILL)
        return pid

    def _note(self, kind: str, since_s: float) -> None:
        self.slowest_s[kind] = max(self.slowest_s.get(kind, 0.0), time.monotonic() - since_s)


def duplicates(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Trace ids that are there more than once."""
    return [trace_id for trace_id, times in Counter(row["trace_id"] for row in rows).items() if times > 1]
