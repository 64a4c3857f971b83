"""Pinned clients: refused once, they pass unread from then on, and nobody else does."""

import asyncio
import contextlib
import logging
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy.test import tflow

from midwatch.proxy.inventory.owners import Owner, Owners
from midwatch.proxy.inventory.pinning import Pinning
from midwatch.proxy.numbers import SEEING as METRICS
from midwatch_core.guarded import Guard
from midwatch_core.inventory_settings import TlsSettings
from midwatch_core.metrics import Metrics
from midwatch_core.pins import Pins
from tests.addons.proxy.hellos import HUNG_UP, begin, end, hello_of

HOST = "api.openai.com"
PYTHON = hello_of(HOST)
OTHER = hello_of(HOST, lambda trust: trust.set_ciphers("ECDHE+AESGCM"))
UNKNOWN_CA = "The client does not trust the proxy's certificate for api.openai.com (tlsv1 alert unknown ca)"


class Clock:
    """Time goes where a test sets it."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 26, tzinfo=UTC) + timedelta(seconds=self.at_s)

    def monotonic(self) -> float:
        return self.at_s


class Known(Owners):
    """Processes by their ports: those of a table, in a machine that a test makes up."""

    def __init__(self, processes: dict[int, str | None]) -> None:
        super().__init__()
        self.processes = processes
        self.answers: list[tuple[asyncio.Future[Owner | None], str | None]] = []

    def of(self, client: connection.Client) -> asyncio.Future[Owner | None] | None:
        if client.peername[1] not in self.processes:
            return None
        found: asyncio.Future[Owner | None] = asyncio.get_running_loop().create_future()
        self.answers.append((found, self.processes[client.peername[1]]))
        return found

    def answer(self) -> None:
        """All lookups have come to their end."""
        for found, process in self.answers:
            found.set_result(None if process is None else Owner(process, None))
        self.answers.clear()


class Desk:
    """The addon, and what it was told to tell."""

    def __init__(self, processes: dict[int, str | None] | None = None, **settings: Any) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.metrics.declare(METRICS)
        self.owners = Known(processes or {})
        self.refused: list[str] = []
        self.addon = Pinning(
            TlsSettings(**settings), owners=self.owners, clock=self.clock, metrics=self.metrics, guard=Guard()
        )
        self.addon.refused = lambda client: self.refused.append(client.id)

    def hello(self, hello: Any = PYTHON, **client: Any) -> Any:
        data = begin(hello, **client)
        waiting = self.addon.tls_clienthello(data)
        assert waiting is None
        return data

    def refuse(self, error: str = UNKNOWN_CA, hello: Any = PYTHON, **client: Any) -> Any:
        """A try that fails."""
        data = self.hello(hello, **client)
        self.addon.tls_failed_client(end(data, error))
        self.addon.client_disconnected(data.context.client)
        return data

    def passes(self, hello: Any = PYTHON, **client: Any) -> bool:
        data = self.hello(hello, **client)
        assert self.addon.passes(data.context.client) is data.ignore_connection
        return bool(data.ignore_connection)

    def leave(self, after_s: float, *, speaks: bool = False) -> None:
        """A connection that is established, and ends."""
        data = self.hello()
        self.addon.tls_established_client(end(data))
        if speaks:
            flow = tflow.tflow()
            flow.client_conn = data.context.client
            self.addon.requestheaders(flow)
        self.clock.at_s += after_s
        self.addon.client_disconnected(data.context.client)


def test_who_refuses_our_certificate_passes_on_its_next_try(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.WARNING):
        first = desk.refuse()
    assert not first.ignore_connection
    assert desk.refused == ["10.0.0.7:5000"]
    assert desk.passes(port=5001)
    (line,) = caplog.messages
    assert "10.0.0.7 refused our certificate for api.openai.com (its alert: unknown ca)" in line
    assert "have that client trust the CA (see `ca`), then: hosts unpin" in line
    (sample,) = desk.metrics.samples()
    assert (sample.name, sample.labels, sample.values) == ("midwatch_pinned_total", (HOST,), (1,))


def test_nobody_else_passes() -> None:
    desk = Desk()
    desk.refuse()
    assert not desk.passes(address="10.0.0.8")
    assert not desk.passes(OTHER)
    assert not desk.passes(hello_of("api.anthropic.com"))


def test_after_its_time_it_is_asked_again() -> None:
    desk = Desk(pinned_hours=2)
    desk.refuse()
    desk.clock.at_s = 2 * 3600 - 1
    assert desk.passes()
    desk.clock.at_s += 1
    assert not desk.passes()


def test_where_nothing_may_pass_unread_it_is_remembered_and_refused_again() -> None:
    desk = Desk(pinned="refuse")
    desk.refuse()
    assert not desk.passes()
    desk.refuse()
    assert len(desk.refused) == 2
    assert [pin.host for pin in desk.addon.waiting()] == [HOST]
    desk.addon.follow(TlsSettings())
    assert desk.passes()


@pytest.mark.parametrize(
    "error", ["OpenSSL Error([('SSL routines', '', 'no shared cipher')])", "sslv3 alert certificate expired", ""]
)
def test_a_handshake_that_failed_for_another_reason_pins_nobody(error: str) -> None:
    desk = Desk()
    for _ in range(3):
        desk.refuse(error)
    assert not desk.passes()
    assert desk.refused == []


def test_a_client_that_hangs_up_at_our_certificate_does_so_twice() -> None:
    desk = Desk()
    desk.refuse(HUNG_UP)
    assert not desk.passes()
    desk.refuse(HUNG_UP)
    assert desk.passes()


def test_a_client_that_does_not_wait_for_our_certificate_has_not_refused_it() -> None:
    """So it is where the provider is slow: we answer when it is connected."""
    desk = Desk()
    for _ in range(4):
        data = desk.hello()
        desk.addon.tls_failed_client(end(data, HUNG_UP, answered=False))
    assert not desk.passes()


def test_a_client_that_looks_after_the_handshake_leaves_at_once_and_twice() -> None:
    """So Node.js does: https://nodejs.org/api/tls.html, `secureConnect` and `authorizationError`."""
    desk = Desk()
    desk.leave(0.01)
    assert desk.refused == []
    desk.leave(0.01)
    assert desk.refused == ["10.0.0.7:5000"]
    assert desk.passes()


def test_a_client_that_keeps_a_connection_for_later_is_not_taken_for_one() -> None:
    desk = Desk()
    for _ in range(4):
        desk.leave(10)
    assert not desk.passes()


def test_a_client_that_once_spoke_to_us_may_be_silent() -> None:
    desk = Desk()
    desk.leave(0.01, speaks=True)
    for _ in range(4):
        desk.leave(0.01)
    assert not desk.passes()


def test_what_is_not_to_be_read_anyway_is_not_minded() -> None:
    desk = Desk()
    data = begin(PYTHON)
    data.ignore_connection = True
    assert desk.addon.tls_clienthello(data) is None
    desk.addon.tls_failed_client(end(data, UNKNOWN_CA))
    assert not desk.addon.passes(data.context.client)
    assert desk.addon.waiting() == []


def test_a_client_without_a_name_for_its_host_is_known_by_the_address_it_wants() -> None:
    desk, nameless = Desk(), hello_of(None)
    desk.refuse(hello=nameless, server=("api.openai.com", 443))
    assert desk.passes(nameless, server=("API.openai.com", 443))
    assert not desk.passes(nameless, server=("203.0.113.9", 443))


async def test_of_two_programs_that_look_alike_only_the_one_that_refused_passes() -> None:
    desk = Desk({1: "node pinned", 2: "node agent", 3: "node pinned", 4: None})
    data = begin(PYTHON, port=1)
    assert desk.addon.tls_clienthello(data) is None
    desk.owners.answer()
    await asyncio.sleep(0)
    desk.addon.tls_failed_client(end(data, UNKNOWN_CA))
    (pin,) = desk.addon.waiting()
    assert pin.process == "node pinned"
    for port, passes in ((2, False), (3, True), (4, True)):  # the last can't be told: better unread than broken
        data = begin(PYTHON, port=port)
        waiting = desk.addon.tls_clienthello(data)
        assert waiting is not None
        desk.owners.answer()
        await waiting
        assert data.ignore_connection is passes


async def test_until_its_process_is_found_whatever_looks_like_it_passes() -> None:
    desk = Desk({1: "node pinned"})
    data = begin(PYTHON, port=1)
    assert desk.addon.tls_clienthello(data) is None
    desk.addon.tls_failed_client(end(data, UNKNOWN_CA))
    assert desk.passes(port=9)
    assert desk.addon.waiting() == []
    desk.owners.answer()
    await asyncio.sleep(0)
    assert [pin.process for pin in desk.addon.waiting()] == ["node pinned"]


def test_what_other_workers_saw_holds_here_too() -> None:
    one, two = Desk(), Desk()
    one.refuse()
    two.addon.take(Pins(one.addon.waiting()))
    assert two.passes()
    assert two.addon.waiting() == []


def test_what_control_has_waits_no_more_and_what_it_has_forgotten_is_gone() -> None:
    desk = Desk()
    desk.refuse()
    desk.refuse(hello=hello_of("api.anthropic.com"))
    first, second = desk.addon.waiting()
    desk.addon.take(Pins([first]))
    assert desk.addon.waiting() == [second]
    assert desk.passes()
    assert desk.passes(hello_of("api.anthropic.com"))
    desk.addon.take(Pins([second]))
    assert not desk.passes()
    assert desk.addon.waiting() == []


def test_a_hello_that_is_none_harms_nobody() -> None:
    desk = Desk()
    data = begin(PYTHON)
    broken: Any = object()
    data.client_hello = broken
    assert desk.addon.tls_clienthello(data) is None
    assert not data.ignore_connection


def test_a_real_client_s_refusal_is_one_of_the_alerts_we_know(tmp_path: Any) -> None:
    """What OpenSSL says on our side when a client refuses: by both versions of TLS."""
    from midwatch.proxy.inventory.refusals import alert_of
    from midwatch.simulated.transport.tls import SimulatedCA

    server_side = SimulatedCA(tmp_path).context(["api.openai.com"], alpn=("http/1.1",))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust = ssl.create_default_context()
        trust.maximum_version = trust.minimum_version = version
        assert alert_of(refusal_seen(server_side, trust)) == "unknown ca"


def refusal_seen(server_side: ssl.SSLContext, trust: ssl.SSLContext) -> str:
    """The server's error in a handshake that the client ends."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(down, up, server_hostname="api.openai.com")
    server = server_side.wrap_bio(up, down, server_side=True)
    for _ in range(10):
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLCertVerificationError):
            client.do_handshake()
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return str(error).lower().replace("_", " ")
    raise AssertionError("the client did not refuse")
