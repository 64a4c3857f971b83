"""A house among strangers: each attack is refused or survived, counted, and others notice nothing of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h2.connection
import h2.errors
import h2.events
import h2.settings
import httpx
import pytest

from tests.addons.lean.http2_frames import HEADERS, PING, PREFACE, SETTINGS, frame, head, rapid_reset
from tests.e2e.admitting import BODY, CHAT, Desk

SETTINGS_OF_IT = {
    "connections": {
        "head_s": 1,
        "handshake_s": 1,
        "body_s": 1,
        "idle_s": 15,
        "max_per_client": 40,
        "wrong_keys": 5,
        "wrong_keys_wait_s": 600,
    },
    "destinations": {"private": "refuse"},
    "tenants": {"acme": {"networks": ["127.0.0.99/32"]}},
}
WRONG = "mw_aaaaaaaa_" + "x" * 43
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
# Each attack comes from an address of its own, so that none is refused for another.
DAWDLER, CROWD, GUESSER, SMUGGLER, FLOODER, SLOW = (f"127.0.0.{number}" for number in range(31, 37))


@pytest.fixture(scope="module")
def desk(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with house_in(tmp_path_factory.mktemp("edges"), settings=SETTINGS_OF_IT) as house:
        made = Desk(house)
        _call(made)  # what a worker loads at its first call is no leak
        yield made
        assert "crashed" not in house.log
        assert "Traceback" not in house.log


def _call(desk: Desk, **headers: str) -> int:
    with desk.client() as web:
        return int(web.post(CHAT, json=BODY, headers=headers).status_code)


def _from(desk: Desk, source: str) -> socket.socket:
    host, port = desk.house.status["listen"].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0))


def _rest(sock: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := sock.recv(65536):
            got += piece
    return got


def _tunnel(desk: Desk, source: str, host: str = "api.openai.com") -> socket.socket:
    sock = _from(desk, source)
    sock.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
    assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    return sock


def _counted(desk: Desk, edge: str) -> float:
    told = httpx.get(f"{desk.house.console}/metrics", trust_env=False, timeout=60).text
    found = re.search(rf'^midwatch_edges_refused_total\{{edge="{edge}"\}} (\S+)$', told, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _troubles(desk: Desk) -> str:
    return httpx.get(f"{desk.house.console}/readyz", trust_env=False, timeout=60).text


def test_who_dawdles_is_left(desk: Desk, waiting: Any) -> None:
    silent, begun, dripping, again, body = (_from(desk, DAWDLER) for _ in range(5))
    body.sendall(b"POST http://plain.example/none HTTP/1.1\r\nhost: plain.example\r\ncontent-length: 9\r\n\r\nx")
    begun.sendall(b"GET http://plain.example/ HTTP/1.1\r\nhost: plain")
    again.sendall(b"GET http://plain.example/none HTTP/1.1\r\nhost: plain.example\r\n\r\n")
    assert again.recv(4096).startswith(b"HTTP/1.1 404")
    again.sendall(b"GET http://plain.example/none HTTP/1.1\r\nhost:")
    quiet, half = _tunnel(desk, DAWDLER), _tunnel(desk, DAWDLER)
    half.sendall(HELLO)
    with contextlib.suppress(ConnectionError):
        for byte in b"GET http://plain.example/ HTTP/1.1\r\nx: " + b"y" * 200:
            dripping.sendall(bytes([byte]))
            time.sleep(0.02)
    for sock in (silent, begun, dripping, again, body, quiet, half):
        _rest(sock)  # it ends, or this waits in vain
        sock.close()
    waiting(lambda: _counted(desk, "slow_head") >= 4, "slow heads to be counted")
    waiting(lambda: _counted(desk, "slow_handshake") >= 2, "slow handshakes to be counted")
    waiting(lambda: _counted(desk, "slow_body") == 1, "a slow body to be counted")


def test_a_crowd_of_one_address_leaves_room_for_others(desk: Desk, waiting: Any) -> None:
    crowd = [_from(desk, CROWD) for _ in range(60)]
    try:
        answers = [sock.recv(4096) for sock in crowd[40:]]
        assert _call(desk) == 200
    finally:
        for sock in crowd:
            sock.close()
    assert all(answer.startswith(b"HTTP/1.1 429") and b"retry-after" in answer for answer in answers)
    waiting(lambda: _counted(desk, "client_crowd") == 20, "the crowd to be counted")
    waiting(lambda: "turned away" in _troubles(desk), "an alert about the crowd")

    def served() -> bool:
        sock = _from(desk, CROWD)
        sock.sendall(b"GET http://plain.example/none HTTP/1.1\r\nhost: a\r\n\r\n")
        with contextlib.closing(sock):
            return sock.recv(4096).startswith(b"HTTP/1.1 404")

    waiting(served, "the address to be served again")


def test_who_guesses_keys_learns_nothing_more(desk: Desk, waiting: Any) -> None:
    key = desk.key("--tenant", "acme")

    def answered(shown: str, source: str) -> bytes:
        with contextlib.closing(_from(desk, source)) as sock:
            sock.sendall(
                f"GET http://plain.example/none HTTP/1.1\r\nhost: a\r\nx-midwatch-key: {shown}\r\n\r\n".encode()
            )
            return sock.recv(4096).split(b" ")[1]

    assert [answered(WRONG, GUESSER) for _ in range(7)] == [b"407"] * 4 + [b"429"] * 3
    assert answered(key, GUESSER) == b"429"
    assert answered(key, SMUGGLER) == b"404"
    waiting(lambda: _counted(desk, "wrong_keys") == 4, "the guesses to be counted")
    waiting(lambda: "Somebody tries keys" in _troubles(desk), "an alert about them")


def test_a_request_that_is_two_reaches_nobody(desk: Desk, world: Any, waiting: Any) -> None:
    seen: list[bytes] = []
    world.origin.routes["/smuggled"] = lambda asked: seen.append(asked.head)
    line = b"POST http://plain.example/smuggled HTTP/1.1\r\nHost: plain.example\r\n"
    attacks = [
        line + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        line + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        line + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        line + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        line + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        line + b"X: a\nContent-Length: 3\r\n\r\nabc",
        line + b"X: a\rContent-Length: 3\r\n\r\n",
        line + b"X: a\0b\r\n\r\n",
        line + b"Host: other.example\r\n\r\n",
        line + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        b"CONNECT plain.example:80 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    ]
    for attack in attacks:
        with contextlib.closing(_from(desk, SMUGGLER)) as sock:
            sock.sendall(attack)
            assert _rest(sock)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431"), attack[:120]
    with contextlib.closing(_from(desk, SMUGGLER)) as sock:
        sock.sendall(line + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n")
        _rest(sock)
    assert seen == []
    counts = {"head_invalid": 4, "head_form": 6, "head_size": 1, "body_form": 1}
    waiting(lambda: {edge: _counted(desk, edge) for edge in counts} == counts, "each attack to be counted, once")


def _http2(desk: Desk, source: str = FLOODER) -> ssl.SSLSocket:
    trust = desk.house.trust()
    trust.set_alpn_protocols(["h2"])
    secure: ssl.SSLSocket = trust.wrap_socket(_tunnel(desk, source), server_hostname="api.openai.com")
    assert secure.selected_alpn_protocol() == "h2"
    return secure


@pytest.mark.parametrize("flood", ["resets", "pings", "long frame", "head of two"])
def test_http_2_is_spoken_in_order_or_not_at_all(desk: Desk, flood: str, waiting: Any) -> None:
    before = _counted(desk, "http2")
    sent = {
        "resets": lambda: rapid_reset(5_000),
        "pings": lambda: frame(PING, 0, 0, b"12345678") * 60_000,
        "long frame": lambda: frame(0, 0, 1, b"x" * 300_000, length=0xFFFFFF),
        "head of two": lambda: frame(HEADERS, 5, 1, head(("x", "a\r\nhost: b"))),
    }[flood]()
    with contextlib.closing(_http2(desk)) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(PREFACE + frame(SETTINGS, 0, 0) + sent)
        with contextlib.suppress(OSError):
            _rest(sock)
    waiting(lambda: _counted(desk, "http2") == before + 1, "the connection to be counted")
    assert _call(desk) == 200


class Reluctant:
    """A client of HTTP/2 that says how much of each answer it will take: nothing, until it is told to."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._h2 = h2.connection.H2Connection()
        self._h2.initiate_connection()
        self._h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})

    def ask(self, *, takes: int) -> int:
        stream = self._h2.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "https"), (":authority", "api.openai.com")]
        self._h2.send_headers(stream, [*head, (":path", "/v1/chat/completions"), ("content-type", "application/json")])
        self._h2.send_data(stream, json.dumps(BODY).encode(), end_stream=True)
        if takes:
            self._h2.increment_flow_control_window(takes, stream)
        return stream

    def until(self, kind: type[Any], stream: int) -> Any:
        """The event of this kind; it pings meanwhile, so that the connection is not idle."""
        self._h2.ping(b"still on")
        while True:
            self._sock.sendall(self._h2.data_to_send())
            data = self._sock.recv(65536)
            assert data, "the connection has ended"
            for event in self._h2.receive_data(data):
                if isinstance(event, kind) and event.stream_id == stream:
                    return event
                if isinstance(event, h2.events.PingAckReceived):
                    time.sleep(0.1)
                    self._h2.ping(b"still on")


def test_who_does_not_read_an_answer_loses_it_and_no_other(desk: Desk, waiting: Any) -> None:
    with contextlib.closing(_http2(desk, SLOW)) as sock:
        client = Reluctant(sock)
        unread = client.ask(takes=0)
        client.until(h2.events.ResponseReceived, unread)
        client.until(h2.events.StreamEnded, client.ask(takes=65_535))
        assert client.until(h2.events.StreamReset, unread).error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
        client.until(h2.events.StreamEnded, client.ask(takes=65_535))
    waiting(lambda: _counted(desk, "slow_reader") == 1, "it to be counted")


def test_a_client_is_not_led_inside(desk: Desk, world: Any, waiting: Any) -> None:
    kinds = {
        "127.0.0.1": "loopback",
        "localhost": "loopback",
        "127.1": "loopback",
        "2130706433": "loopback",
        "0": "loopback",
        "[::ffff:127.0.0.1]": "loopback",
        "169.254.169.254": "metadata",
        "metadata.google.internal": "metadata",
        "[fd00:ec2::254]": "metadata",
        "[fe80::1]": "link_local",
        "10.255.255.1": "private",
    }
    inside = socket.create_server(("127.0.0.1", 0))
    port = inside.getsockname()[1]
    for host in kinds:
        with contextlib.closing(_from(desk, SMUGGLER)) as sock:
            sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
            assert sock.recv(4096).startswith(b"HTTP/1.1 403"), host
    inside.settimeout(0)
    with contextlib.closing(inside), pytest.raises(BlockingIOError):
        inside.accept()
    for kind in set(kinds.values()):
        count = list(kinds.values()).count(kind)
        waiting(
            lambda kind=kind, n=count: _counted(desk, f"destination_{kind}") >= n, f"{kind} addresses to be counted"
        )
    # What the configuration names is reached all the same: the provider `localhost`, and where `connect_to` leads.
    with desk.client() as web:
        assert (
            web.post(f"https://localhost:{world.providers.tls_port}/v1/chat/completions", json=BODY).status_code == 200
        )
        assert web.get("http://plain.example/none").status_code == 404


def test_nothing_of_it_stays(desk: Desk, waiting: Any) -> None:
    """Last: after all of that a worker holds no more than one client needs, and has not grown."""
    (pid,) = _workers(desk)
    waiting(lambda: sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) < 60, "file descriptors to be given back")
    for _ in range(5):
        with contextlib.closing(_from(desk, FLOODER)) as sock, contextlib.suppress(OSError):
            sock.sendall(b"GET http://a/ HTTP/1.1\r\n" + b"x" * 20_000_000)
    resident_mb = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert resident_mb < 300
    assert _call(desk) == 200


def _workers(desk: Desk) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"midwatch.proxy.worker" in words and str(desk.house.home.root).encode() in words:
                found.append(int(folder.name))
    return found
