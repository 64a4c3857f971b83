"""Bad input and bad luck: clients see what they would have seen without us, and what is known is kept."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

CHAT = "/v1/chat/completions"
OPENAI = f"https://api.openai.com{CHAT}"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture
def route(world: Any) -> Iterator[Callable[[Callable[[Any], None]], str]]:
    """Gives the origin something to do under a path of its own."""
    added = []

    def add(behave: Callable[[Any], None]) -> str:
        added.append(f"/{uuid.uuid4().hex}{CHAT}")
        world.origin.routes[added[-1]] = behave
        return added[-1]

    yield add
    for path in added:
        del world.origin.routes[path]


def acme(path: str) -> str:
    return f"https://llm.acme.example{path}"


def resident_mb(pid: str) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def workers_of(house: Any, living: Callable[[str], list[str]]) -> list[str]:
    return [line.split()[0] for line in living(str(house.home.root)) if "proxy.worker" in line]


# Bodies


def test_a_body_of_200_mb_passes_unread(house: Any, route: Any, living: Any, trail: Any) -> None:
    way, size = trail(), 200 * 1024 * 1024
    arrived = []

    def behave(asked: Any) -> None:
        arrived.append(len(asked.body))
        asked.answer(b'{"choices":[{"index":0,"message":{"content":"much"},"finish_reason":"stop"}]}')

    (worker,) = workers_of(house, living)
    before = resident_mb(worker)
    block = b" " * (1 << 20)
    with house.client() as web:
        headers = {**way.header, "content-length": str(size), "content-type": "application/json"}
        answer = web.post(acme(route(behave)), content=(block for _ in range(size // len(block))), headers=headers)
    assert answer.status_code == 200
    assert arrived == [size]
    row = house.row(way.id)
    assert "oversize" in row["decode_error"]
    assert (row["status"], row["finish_reason"]) == (200, "stop")
    assert resident_mb(worker) - before < 100


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(b'{"model":"m","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}", True, id="10,000 deep"),
        pytest.param(b"[" * 10_000, True, id="10,000 deep, cut"),
        pytest.param(b'{"model":"gpt-4o-mini","messages":[{"role":"user","cont', True, id="cut"),
        pytest.param(b"\xff\xfe\x00not json at all", True, id="no JSON"),
        pytest.param(b"", True, id="empty"),
        pytest.param(b'{"model":7,"messages":{"a":null},"stream":"maybe"}', True, id="wrong types"),
    ],
)
def test_odd_requests_pass_and_are_kept(house: Any, route: Any, trail: Any, body: bytes, kept: bool) -> None:
    way, arrived = trail(), []

    def behave(asked: Any) -> None:
        arrived.append(asked.body)
        asked.answer(b'{"error":{"message":"what is this?"}}', status="400 Bad Request")

    with house.client() as web:
        assert web.post(acme(route(behave)), content=body, headers=way.header).status_code == 400
    assert arrived == [body]
    row = house.row(way.id)
    assert (row["status"], row["error"]) == (400, "what is this?")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"choices":', b"\x1f\x8b\x08garbage", b"\x00" * 1000, b'{"usage":{"prompt_tokens":-1e99}}'],
)
def test_odd_answers_pass_and_are_kept(house: Any, route: Any, trail: Any, body: bytes) -> None:
    way = trail()
    path = route(lambda asked: asked.answer(body, "content-type: application/json"))
    with house.client() as web:
        assert web.post(acme(path), json=BODY, headers=way.header).content == body
    row = house.row(way.id)
    assert row["status"] == 200
    assert row["model"] == "gpt-4o-mini"


# Connections


def raw(address: tuple[str, int], host: str, trust: ssl.SSLContext, tunnel: bool) -> ssl.SSLSocket:
    sock = socket.create_connection(address, timeout=60)
    if tunnel:
        sock.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
        assert b" 200 " in sock.recv(4096)
    return trust.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)


def everything(sock: ssl.SSLSocket) -> tuple[bytes, str]:
    """All bytes until the end, and how it ended."""
    got = b""
    try:
        while data := sock.recv(65536):
            got += data
    except (OSError, ssl.SSLError) as error:
        return got, type(error).__name__
    return got, "end"


@pytest.mark.parametrize("when", ["before the head", "after two events", "in a JSON answer"])
def test_an_upstream_that_dies_is_seen_to_die(house: Any, world: Any, route: Any, trail: Any, when: str) -> None:
    """The same bytes of a body reach the client with us and without, and no proper end is invented."""

    def behave(asked: Any) -> None:
        if when == "after two events":
            asked.begin_stream()
            asked.chunk(EVENT)
            asked.chunk(EVENT)
        elif when == "in a JSON answer":
            asked.send(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"choices":[')
        asked.reset()

    way, path = trail(), route(behave)
    outcomes = []
    body = {**BODY, "stream": when == "after two events"}
    with house.client() as proxied, world.direct() as direct:
        for web, url in ((direct, path), (proxied, acme(path))):
            got = b""
            try:
                with web.stream("POST", url, json=body, headers=way.header) as answer:
                    for piece in answer.iter_raw():
                        got += piece
                outcomes.append((answer.status_code, got, "end"))
            except httpx.RemoteProtocolError:
                outcomes.append((None, got, "broken"))
    without, with_us = outcomes
    if when == "before the head":
        assert without[2] == "broken"
        assert with_us[0] == 502  # a proxy has no other way to say it
    else:
        assert with_us == without
        assert with_us[2] == "broken"
    row = house.row(way.id)
    assert row["error"]
    assert row["status"] == (None if when == "before the head" else 200)
    if when == "after two events":
        (segment,) = house.whole(way.id)["response"]["segments"]
        assert segment["text"] == "word word "


def test_a_refused_connection_is_a_bad_gateway(house: Any, trail: Any) -> None:
    """As with stock mitmproxy: 502, to the tunnel where there is one."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, never listening: nobody else can answer there
        nobody, way = sock.getsockname()[1], trail()
        with house.client() as web:
            with pytest.raises(httpx.ProxyError, match="502"):
                web.post(f"https://127.0.0.1:{nobody}{CHAT}", json=BODY)
            assert web.post(f"http://127.0.0.1:{nobody}{CHAT}", json=BODY, headers=way.header).status_code == 502
    row = house.row(way.id)
    assert row["error"]
    assert (row["model"], row["status"]) == ("gpt-4o-mini", None)


def test_a_client_that_leaves_mid_stream(house: Any, world: Any, route: Any, trail: Any, waiting: Any) -> None:
    way, broke = trail(), threading.Event()

    def behave(asked: Any) -> None:
        asked.begin_stream()
        try:
            for _ in range(100_000):
                asked.chunk(EVENT)
        except OSError:
            broke.set()
            raise

    stream = {**BODY, "stream": True}
    with house.client() as web, web.stream("POST", acme(route(behave)), json=stream, headers=way.header) as answer:
        pieces = answer.iter_raw()  # with its last reference the connection would go
        next(pieces)
    assert broke.wait(60)  # the provider is told, and stops costing
    row = house.row(way.id)
    assert (row["status"], row["streamed"], row["model"]) == (200, True, "gpt-4o-mini")
    assert row["error"]
    assert house.whole(way.id)["response"]["segments"][0]["text"].startswith("word word")


def test_a_client_that_closes_at_done(house: Any, route: Any, trail: Any) -> None:
    """It had all there is: a success, though the connection was closed before the end of the body."""
    way, gone = trail(), threading.Event()

    def behave(asked: Any) -> None:
        asked.begin_stream()
        asked.chunk(EVENT)
        asked.chunk(LAST)
        gone.wait(60)
        asked.end_stream()

    stream = {**BODY, "stream": True}
    with house.client() as web, web.stream("POST", acme(route(behave)), json=stream, headers=way.header) as answer:
        got = b""
        for piece in answer.iter_raw():
            got += piece
            if got.endswith(b"[DONE]\n\n"):
                break
    gone.set()
    row = house.row(way.id)
    assert (row["status"], row["finish_reason"], row["error"]) == (200, "stop", None)


def test_garbage_instead_of_http(house: Any) -> None:
    proxy = httpx.URL(house.proxy)
    for data in (
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"CONNECT nowhere HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"x" * 50,
    ):
        with socket.create_connection((proxy.host, proxy.port), timeout=60) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    with house.client() as web:
        assert web.post(OPENAI, json=BODY).status_code == 200


# The end


def test_sigterm_lets_a_stream_end_whole(make_house: Any, route: Any, trail: Any, waiting: Any) -> None:
    house, way = make_house(), trail()
    told = threading.Event()

    def behave(asked: Any) -> None:
        asked.begin_stream()
        asked.chunk(EVENT)
        told.wait(60)
        asked.chunk(EVENT)
        asked.chunk(LAST)
        asked.end_stream()

    stream = {**BODY, "stream": True}
    with house.client() as web, web.stream("POST", acme(route(behave)), json=stream, headers=way.header) as answer:
        pieces = answer.iter_raw()
        got = next(pieces)
        house.process.send_signal(signal.SIGTERM)
        proxy = httpx.URL(house.proxy)
        _until_refused((proxy.host, proxy.port or 80), waiting)
        told.set()
        got += b"".join(pieces)
    assert got == EVENT * 2 + LAST
    assert house.process.wait(60) == 0, house.log
    (row,) = house.traces()
    assert (row["trace_id"], row["finish_reason"], row["error"]) == (way.id, "stop", None)


def test_a_second_sigterm_ends_at_once(make_house: Any, route: Any, living: Any, waiting: Any) -> None:
    house = make_house()
    never = threading.Event()

    def behave(asked: Any) -> None:
        asked.begin_stream()
        asked.chunk(EVENT)
        never.wait(60)

    stream = {**BODY, "stream": True}
    with house.client() as web, web.stream("POST", acme(route(behave)), json=stream) as answer:
        pieces = answer.iter_raw()  # with its last reference the connection would go
        next(pieces)
        house.process.send_signal(signal.SIGTERM)
        proxy = httpx.URL(house.proxy)
        _until_refused((proxy.host, proxy.port or 80), waiting)
        assert house.process.poll() is None
        house.process.send_signal(signal.SIGTERM)
        assert house.process.wait(60) == 1
        waiting(lambda: not living(str(house.home.root)), "all its processes to end")
    never.set()


def _until_refused(address: tuple[str, int], waiting: Any) -> None:
    """The listening sockets close before anything else does."""

    def refused() -> bool:
        try:
            socket.create_connection(address, timeout=60).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # it was waiting to be accepted when the listener closed
        return False

    waiting(refused, "it to stop listening")


# Wrong use


def start_wrong(front_door: tuple[str, ...], environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*front_door, *words], capture_output=True, text=True, env=environ, timeout=120, check=False)


WRONG_FILES = {
    "type": ("workers: many\n", ("config.yaml", "workers", "integer")),
    "range": ("workers: 0\n", ("config.yaml", "workers", "greater than or equal to 1")),
    "key": ("retention_dayz: 3\n", ("config.yaml", "retention_dayz", "retention_days")),
    "nested key": ("journal: {max_byte: 3}\n", ("config.yaml", "journal.max_byte")),
    "address": ("listen: nowhere\n", ("config.yaml", "listen", "HOST:PORT")),
    "YAML": ("listen: [1,\n", ("config.yaml", "line")),
    "top": ("- listen\n", ("config.yaml", "top")),
    "dialect": (
        "providers: [{name: a, hosts: [a.lan], routes: [{path: /x, dialect: openai.chatt}]}]\n",
        ("config.yaml", "openai.chatt", "openai.chat"),
    ),
    "pattern": (
        "providers: [{name: a, hosts: [a.lan], routes: [{path: '(', dialect: openai.chat}]}]\n",
        ("config.yaml", "providers.0.routes", "RE2"),
    ),
    "authority": ("upstream_ca: /no/such/file.pem\n", ("upstream_ca", "/no/such/file.pem", "No such file")),
    "storage": ("storage: {traces: 'nosuch://x', metadata: 'nosuch://x'}\n", ("nosuch",)),
    "mode": ("mode: [sideways]\n", ("mode", "sideways")),
}


@pytest.fixture(scope="module")
def wrong_starts(
    tmp_path_factory: pytest.TempPathFactory, front_door: tuple[str, ...], bare_environment: dict[str, str]
) -> dict[str, subprocess.CompletedProcess[str]]:
    """All wrong files tried, two at a time."""
    folder = tmp_path_factory.mktemp("wrong")

    def attempt(name: str) -> subprocess.CompletedProcess[str]:
        place = folder / name
        place.mkdir()
        (place / "config.yaml").write_text(WRONG_FILES[name][0])
        words = ("--config", str(place / "config.yaml"), "--home", str(place / "home"))
        listening = () if name == "address" else ("--listen", "127.0.0.1:0")
        return start_wrong(front_door, bare_environment, *words, *listening, "--console", "127.0.0.1:0")

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(WRONG_FILES, pool.map(attempt, WRONG_FILES), strict=True))


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_one_line(wrong_starts: Any, name: str) -> None:
    done = wrong_starts[name]
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for word in WRONG_FILES[name][1]:
        assert word in done.stderr


def test_wrong_variables_and_flags(
    front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path / "home"))
    done = start_wrong(front_door, {**bare_environment, "MIDWATCH_JOURNAL__MAX_BYTES": "lots"}, *home)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "MIDWATCH_JOURNAL__MAX_BYTES" in done.stderr
    assert "integer" in done.stderr
    done = start_wrong(front_door, bare_environment, *home, "--listen", "8080")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--listen" in done.stderr
    assert "HOST:PORT" in done.stderr
    done = start_wrong(front_door, bare_environment, *home, "--lissen", "x")
    assert done.returncode == 2
    assert "--lissen" in done.stderr
    assert start_wrong(front_door, bare_environment, "nosuchcommand").returncode == 2


def test_a_taken_port(
    house: Any, front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path
) -> None:
    taken = house.status["listen"]
    words = ("--home", str(tmp_path / "home"), "--listen", taken, "--console", "127.0.0.1:0")
    done = start_wrong(front_door, bare_environment, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert taken in done.stderr
    assert "in use" in done.stderr


def test_a_home_that_cannot_be(front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in its place")
    for home in (tmp_path / "file", tmp_path / "file" / "under", Path("/proc/midwatch")):
        done = start_wrong(front_door, bare_environment, "--home", str(home), "--listen", "127.0.0.1:0")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert str(home) in done.stderr


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("root: mounting a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"root: mounting a small disk is not allowed here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk: Path, make_house: Any, trail: Any, waiting: Any) -> None:
    """Calls go on; usage and cost of those made meanwhile are in the store when there is room again."""
    house = make_house(root=small_disk / "home")
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            pass
    ways = [trail() for _ in range(10)]
    with house.client() as web:
        for way in ways:
            body = {**BODY, "messages": [{"role": "user", "content": way.id * 100}]}
            assert web.post(OPENAI, json=body, headers=way.header).status_code == 200
    filler.unlink()
    for way in ways:
        row = house.row(way.id)
        assert (row["status"], row["model"]) == (200, "gpt-4o-mini")
        assert row["input_tokens"] > 0
        assert row["cost_usd"] > 0


def test_the_house_is_still_well(house: Any, trail: Any) -> None:
    """After all of this, the shared house has restarted nothing and says so."""
    way = trail()
    with house.client() as web:
        assert web.post(OPENAI, json=BODY, headers=way.header).status_code == 200
    assert house.row(way.id)["status"] == 200
    assert "Traceback" not in house.log
    assert "ended (" not in house.log
    assert json.loads(json.dumps(house.status))["ready"]
