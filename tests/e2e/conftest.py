"""A real house: `run.py` as a process of its own, simulated providers and a scripted origin for it to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from midwatch.clients import client_environment
from midwatch.home import Home
from midwatch.simulated import SimulatedProviders
from midwatch.simulated.transport.tls import SimulatedCA

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run.py"
# Long enough for a machine with much else to do; nothing waits that long where all is well.
DEADLINE_S = 60.0
TLS_NAMES = (
    "api.openai.com",
    "chatgpt.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "us-central1-aiplatform.googleapis.com",
    "cloudcode-pa.googleapis.com",
    "api.cohere.com",
    "api.groq.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
)


def until[T](look: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
    """The first answer of `look` that is not None or False."""
    end = time.monotonic() + deadline_s
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < end, f"waited {deadline_s:.0f} s in vain for {what}"
        time.sleep(0.02)


def clean_environment() -> dict[str, str]:
    """Ours, without settings of Midwatch or a proxy."""
    foreign = ("MIDWATCH_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}


@dataclasses.dataclass
class Asked:
    """A request as the origin read it, and the connection to answer on."""

    sock: socket.socket
    method: str
    path: str
    head: bytes
    body: bytes

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def begin_stream(self) -> None:
        self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.send(b"0\r\n\r\n")

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def reset(self) -> None:
        """Die without a proper end."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class Origin:
    """An HTTP/1.1 server, in clear and TLS, whose every byte a test decides: `routes` is path → what to do."""

    def __init__(self, ca: SimulatedCA, names: Sequence[str]) -> None:
        self.routes: dict[str, Callable[[Asked], None]] = {}
        self.tunnels = 0
        context = ca.context(names, alpn=("http/1.1",))
        self.http_port = self._listen(None)
        self.tls_port = self._listen(context)

    def _listen(self, context: ssl.SSLContext | None) -> int:
        server = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, args=(server, context), daemon=True).start()
        return int(server.getsockname()[1])

    def _accept(self, server: socket.socket, context: ssl.SSLContext | None) -> None:
        while True:
            sock, _ = server.accept()
            threading.Thread(target=self._serve, args=(sock, context), daemon=True).start()

    def _serve(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError, EOFError):
            if context is not None:
                sock = context.wrap_socket(sock, server_side=True)
                self.tunnels += 1
            file = sock.makefile("rb")
            while asked := _read_request(sock, file):
                self.routes.get(asked.path, _not_found)(asked)
        sock.close()


def _not_found(asked: Asked) -> None:
    asked.answer(b"{}", status="404 Not Found")


def _read_request(sock: socket.socket, file: Any) -> Asked | None:
    lines = []
    while (line := file.readline()) not in (b"\r\n", b""):
        lines.append(line)
    if not lines:
        return None
    head = b"".join(lines)
    method, target, _ = lines[0].decode().split(" ", 2)
    fields = {k.strip().lower(): v.strip() for k, _, v in (item.partition(b":") for item in lines[1:])}
    if fields.get(b"expect", b"").lower() == b"100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        while size := int(file.readline().strip() or b"0", 16):
            body += file.read(size)
            file.readline()
        file.readline()
    else:
        left = int(fields.get(b"content-length", b"0"))
        while left and (piece := file.read(min(left, 1 << 20))):
            left -= len(piece)
            body += piece
    return Asked(sock, method, target.partition("?")[0], head, bytes(body))


@dataclasses.dataclass
class World:
    """All that is not Midwatch: providers, origin, and the authorities they are signed by."""

    providers: SimulatedProviders
    origin: Origin
    ca_file: Path

    def config(self, **more: Any) -> dict[str, Any]:
        """Settings under which the providers' real names, and names of the origin's own, lead here."""
        tls = dict.fromkeys(TLS_NAMES, f"127.0.0.1:{self.providers.tls_port}")
        own = {
            "llm.acme.example": f"127.0.0.1:{self.origin.tls_port}",
            "private.example": f"127.0.0.1:{self.origin.tls_port}",
            "plain.example": f"127.0.0.1:{self.origin.http_port}",
            "sim.example": f"127.0.0.1:{self.providers.tls_port}",
            "ollama.lan": f"127.0.0.1:{self.providers.http_port}",
        }
        settings = {
            "upstream_ca": str(self.ca_file),
            "connect_to": tls | own,
            "providers": [{"name": "acme", "hosts": ["llm.acme.example", f"localhost:{self.providers.tls_port}"]}],
            "drain_s": 20,
        }
        return settings | more

    def direct(self, **options: Any) -> httpx.Client:
        """A client that goes to the origin itself."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return httpx.Client(
            base_url=f"https://localhost:{self.origin.tls_port}", verify=context, trust_env=False, **options
        )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    names = ("llm.acme.example", "private.example", "sim.example")
    ready: list[SimulatedProviders] = []
    ended = threading.Event()

    async def serve() -> None:
        async with SimulatedProviders(folder=folder / "providers", extra_names=names) as providers:
            ready.append(providers)
            while not ended.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    providers = until(lambda: ready[0] if ready else None, "the simulated providers")
    origin_ca = SimulatedCA(folder / "origin")
    ca_file = folder / "upstream-ca.pem"
    ca_file.write_bytes(providers.ca_file.read_bytes() + origin_ca.ca_file.read_bytes())
    yield World(providers, Origin(origin_ca, names), ca_file)
    ended.set()
    thread.join(60)


class House:
    """A running Midwatch in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        words: Sequence[str] = (),
        *,
        environ: Mapping[str, str] = {},
        root: Path | None = None,
        within: Sequence[str] = (),
    ) -> None:
        """`within` stands before its command: `ip netns exec NAME`."""
        self.folder = folder
        self.home = Home(root or folder / "home")
        self.config_file = folder / "config.yaml"
        self.log_file = folder / "log"
        self.environ = {**clean_environment(), **environ}
        self.config_file.write_text(yaml.safe_dump(dict(config)))
        listening = ("--listen", "127.0.0.1:0", "--console", "127.0.0.1:0")
        where = ("--home", str(self.home.root), "--config", str(self.config_file))
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*within, sys.executable, str(RUN), *where, *listening, *words],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=self.environ,
                cwd=folder,
            )
        self.status = self._started()
        self.proxy = f"http://{self.status['listen']}"
        self.console = f"http://{self.status['console']}"

    def _started(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.log
            answer = self.ask({"op": "status"})
            return answer if answer and answer["ready"] else None

        try:
            return until(look, "Midwatch to be ready")
        except AssertionError:
            self.process.kill()
            print(self.log)
            raise

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def ask(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """One question to control; None where nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(DEADLINE_S)
                sock.connect(str(self.home.control_socket))
                sock.sendall(json.dumps(message).encode() + b"\n")
                line = sock.makefile("rb").readline()
        except OSError:
            return None
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def rows(self, **conditions: Any) -> list[dict[str, Any]]:
        """What is kept, newest first, once all is stored that was journalled before."""
        until(lambda: (told := self.ask({"op": "sync"})) is None or told["caught_up"], "the journal to be stored")
        answer = self.ask({"op": "exchanges", "limit": 500, "filter": conditions})
        assert answer is not None, self.log
        return list(answer["rows"])

    def row(self, trace_id: str) -> dict[str, Any]:
        """The one exchange of a trace."""
        (found,) = until(lambda: self.rows(trace_id=trace_id) or None, "the exchange to be stored")
        return found

    def whole(self, trace_id: str) -> dict[str, Any]:
        """The one exchange of a trace with its texts."""
        answer = self.ask({"op": "exchange", "id": self.row(trace_id)["id"]})
        assert answer is not None
        return dict(answer["exchange"])

    def run(self, *words: str, timeout_s: float = DEADLINE_S, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command of the CLI in this home."""
        command, *rest = words
        return subprocess.run(
            [sys.executable, str(RUN), command, "--home", str(self.home.root), *rest],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            **{"env": self.environ, **options},
        )

    def traces(self) -> list[dict[str, Any]]:
        """What `traces --json` prints."""
        done = self.run("traces", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def trust(self) -> ssl.SSLContext:
        """A client's trust in our CA and in nothing else."""
        return ssl.create_default_context(cafile=str(self.home.ca_certificate))

    def client(self, **options: Any) -> httpx.Client:
        """A client behind the proxy; its tunnels stay open for as long as a busy machine may take."""
        kept = httpx.Limits(keepalive_expiry=DEADLINE_S)
        common = {"proxy": self.proxy, "verify": self.trust(), "timeout": DEADLINE_S, "limits": kept}
        return httpx.Client(**{**common, **options})

    def environment(self) -> dict[str, str]:
        """What `exec` gives its child."""
        ca = self.home.ca_certificate
        return client_environment(self.environ, proxy_url=self.proxy, bundle=ca, ca=ca)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


class Trail:
    """A call's own trace: `header` goes with the request, `id` finds the row."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(16)
        self.header = {"traceparent": f"00-{self.id}-{secrets.token_hex(8)}-01"}


def processes_naming(text: str) -> list[str]:
    """Command lines of living processes with `text` in them, this one excepted."""
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if text in line and line.split()[0] != str(os.getpid())]


@pytest.fixture
def trail() -> Callable[[], Trail]:
    """Makes traces."""
    return Trail


@pytest.fixture(scope="session")
def waiting() -> Callable[..., Any]:
    """`until`, for tests: a poll with a deadline."""
    return until


@pytest.fixture(scope="session")
def living() -> Callable[[str], list[str]]:
    """Finds processes by a text of their command line."""
    return processes_naming


@pytest.fixture(scope="session")
def front_door() -> tuple[str, ...]:
    """The command that a user types."""
    return (sys.executable, str(RUN))


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """An environment without settings of ours or a proxy."""
    return clean_environment()


@contextlib.contextmanager
def _living_house(folder: Path, config: Mapping[str, Any], *words: str, **options: Any) -> Iterator[House]:
    folder.mkdir(parents=True, exist_ok=True)
    house = House(folder, config, words, **options)
    try:
        yield house
    finally:
        stopped = house.process.poll() is not None
        try:
            code = house.stop()
        except subprocess.TimeoutExpired:
            house.process.kill()
            raise
    assert stopped or code == 0, house.log
    until(lambda: not processes_naming(str(house.home.root)), "all its processes to end")


@pytest.fixture(scope="session")
def house(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all tests that leave it as it was. Its end is checked like any other's."""
    with _living_house(tmp_path_factory.mktemp("house"), world.config()) as running:
        yield running


@pytest.fixture(scope="session")
def house_in(world: World) -> Callable[..., contextlib.AbstractContextManager[House]]:
    """A house in a folder, for as long as a `with` lasts: `house_in(folder, *words, settings=…, environ=…)`."""

    def live(
        folder: Path, *words: str, settings: Mapping[str, Any] = {}, **options: Any
    ) -> contextlib.AbstractContextManager[House]:
        return _living_house(folder, world.config(**settings), *words, **options)

    return live


@pytest.fixture
def make_house(world: World, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Starts houses for one test: `make_house(*words, environ=…, **settings)`; they are ended in order."""
    with contextlib.ExitStack() as stack:

        def make(*words: str, environ: Mapping[str, str] = {}, root: Path | None = None, **settings: Any) -> House:
            folder = tmp_path / f"house{len(list(tmp_path.iterdir()))}"
            config = world.config(**settings)
            return stack.enter_context(_living_house(folder, config, *words, environ=environ, root=root))

        yield make
