"""The inventory: AI services are counted however they are spoken to, and other hosts leave no trace."""

import asyncio
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from midwatch.proxy.admission.admitting import DENIED, Admitting
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.inventory.counting import Inventory
from midwatch.proxy.inventory.owners import Owner, Owners
from midwatch.proxy.inventory.pinning import Pinning
from midwatch.proxy.inventory.sighting_report import SightingReport
from midwatch.proxy.numbers import WORKER
from midwatch.proxy.recognising import Recognising
from midwatch_core.access.directory import Directory
from midwatch_core.access.identifying import Identifier
from midwatch_core.access.settings import IdentitySettings
from midwatch_core.clock import SystemClock
from midwatch_core.guarded import Guard
from midwatch_core.inventory_settings import TlsSettings
from midwatch_core.metrics import Metrics
from midwatch_core.model.identity import Identity
from midwatch_core.wire.ai_hosts import AiHosts
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from tests.addons.proxy.hellos import begin, end, hello_of

SPEC = CatalogueSpec.model_validate(
    {
        "providers": [{"name": "openai", "hosts": ["api.openai.com", "plain.openai.example"], "routes": []}],
        "ai_hosts": [{"name": "claude", "title": "Claude", "hosts": ["claude.ai"]}],
    }
)
HOSTS = AiHosts(Catalogue([SPEC], dialects=[]))
UNKNOWN_CA = "tlsv1 alert unknown ca"


class Told:
    """A call as far as the inventory asks for it."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity


class Later(Owners):
    """A machine on which every client is of one process, which is found when a test wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: asyncio.Future[Owner | None] | None = None

    def of(self, client: Any) -> asyncio.Future[Owner | None] | None:
        return self.found


class Desk:
    """The addon after those that it comes after."""

    def __init__(self, *, enabled: bool = True, pinned: Any = "pass", **identity: Any) -> None:
        self.metrics, clock, guard = Metrics(), SystemClock(), Guard()
        self.metrics.declare(WORKER)
        settings = IdentitySettings(**identity)
        self.identifying = Identifying(
            Identifier(Directory(), settings, default="default"),
            settings,
            installation_key=b"key",
            clock=clock,
            metrics=self.metrics,
        )
        self.owners, self.report, self.guard = Later(), SightingReport(), guard
        self.pinning = Pinning(
            TlsSettings(pinned=pinned), owners=self.owners, clock=clock, metrics=self.metrics, guard=guard
        )
        self.addon = Inventory(
            HOSTS,
            report=self.report,
            enabled=enabled,
            identifying=self.identifying,
            pinning=self.pinning,
            owners=self.owners,
            clock=clock,
            metrics=self.metrics,
            guard=guard,
        )
        self.pinning.refused = self.addon.refused

    def hello(self, host: str | None, *, read: bool, **client: Any) -> Any:
        data = begin(hello_of(host), **client)
        data.ignore_connection = not read
        self.pinning.tls_clienthello(data)
        self.addon.tls_clienthello(data)
        return data

    def speak(self, client: Any, host: str, *, call: Identity | None = None, **headers: str) -> http.HTTPFlow:
        """A request on a connection, which is a call if somebody makes it."""
        flow = tflow.tflow()
        flow.client_conn = client
        fields = http.Headers([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()])
        flow.request = http.Request.make("POST", f"{'https' if client.sni else 'http'}://{host}/v1", b"{}", fields)
        self.identifying.take(flow)
        self.pinning.requestheaders(flow)
        self.addon.requestheaders(flow)
        if call is not None:
            flow.metadata["midwatch_call"] = Told(call)
        self.addon.request(flow)
        return flow

    def open(self, host: str, **client: Any) -> Any:
        """A connection that is decrypted."""
        data = self.hello(host, read=True, **client)
        data.context.client.sni = host
        data.context.client.timestamp_tls_setup = 1.0
        self.pinning.tls_established_client(end(data))
        return data.context.client

    def gone(self, client: Any) -> None:
        for addon in (self.pinning, self.addon, self.identifying):
            forget = getattr(addon, "client_disconnected", None)
            if forget is not None:
                forget(client)

    def rows(self) -> list[dict[str, Any]]:
        """What is on its way to control, which has it then."""
        batches = self.report.due(last=True)
        for batch in batches:
            self.report.arrived(batch["id"])
        return [row for batch in batches for row in batch["rows"]]

    def lines(self, *keys: str) -> list[tuple[Any, ...]]:
        return [tuple(row[key] for key in keys) for row in self.rows()]


def plain_client() -> Any:
    client = tflow.tclient_conn()
    client.peername, client.sni, client.timestamp_tls_setup = ("10.0.0.7", 5000), None, None
    return client


def test_a_service_that_is_not_decrypted_is_counted_by_its_name() -> None:
    desk = Desk()
    for port in (5000, 5001):
        desk.hello("Claude.ai", read=False, port=port)
    (row,) = desk.rows()
    assert (row["host"], row["seen"], row["known"], row["provider"]) == ("claude.ai", "sni", False, None)
    assert (row["client"], row["tenant"], row["connections"], row["calls"]) == ("10.0.0.7", "default", 2, 0)
    (sample,) = desk.metrics.samples()
    assert (sample.name, sample.labels, sample.values) == ("midwatch_passthrough_total", ("sni",), (2,))


def test_without_a_name_the_address_asked_for_counts() -> None:
    desk = Desk()
    desk.hello(None, read=False, server=("claude.ai", 443))
    assert desk.lines("host", "seen") == [("claude.ai", "sni")]


def test_other_hosts_leave_no_trace() -> None:
    desk = Desk()
    desk.hello("bank.example", read=False)
    desk.hello(None, read=False)
    desk.speak(desk.open("mail.example"), "mail.example")
    desk.speak(plain_client(), "news.example")
    assert desk.rows() == []


def test_a_decrypted_connection_counts_once_it_speaks_and_its_calls_beside() -> None:
    desk = Desk()
    caller = Identity(client="10.0.0.7", app="agent", user_agent="agent/1")
    client = desk.open("api.openai.com")
    assert desk.rows() == []
    for _ in range(3):
        desk.speak(client, "api.openai.com", call=caller, user_agent="agent/1")
    desk.speak(client, "api.openai.com", user_agent="agent/1")  # no call
    assert desk.lines("host", "seen", "app", "user_agent", "provider", "connections", "calls") == [
        ("api.openai.com", "decrypted", "agent", "agent/1", "openai", 1, 3)
    ]


def test_a_call_counts_for_who_made_it_and_not_for_who_opened_the_connection() -> None:
    desk = Desk()
    client = desk.open("api.openai.com")
    desk.speak(client, "api.openai.com", call=Identity(tenant="acme"))
    desk.speak(client, "api.openai.com", call=Identity(tenant="lab"))
    assert sorted(desk.lines("tenant", "connections", "calls")) == [("acme", 0, 1), ("default", 1, 0), ("lab", 0, 1)]


def test_plain_requests_count_by_their_host() -> None:
    desk, client = Desk(), plain_client()
    for host in ("plain.openai.example", "plain.openai.example", "claude.ai"):
        desk.speak(client, host)
    assert sorted(desk.lines("host", "seen", "connections")) == [
        ("claude.ai", "plain", 1),
        ("plain.openai.example", "plain", 1),
    ]


def test_a_host_that_nobody_lists_counts_where_a_call_was_read_there() -> None:
    desk, client = Desk(), plain_client()
    desk.speak(client, "ollama.lan", call=Identity())
    desk.speak(client, "ollama.lan", call=Identity())
    assert sorted(desk.lines("host", "known", "provider", "connections", "calls")) == [
        ("ollama.lan", False, None, 0, 2),
        ("ollama.lan", False, None, 1, 0),
    ]


def test_a_client_that_refuses_our_certificate_is_refused_first_and_pinned_then() -> None:
    desk = Desk()
    data = desk.hello("api.openai.com", read=True)
    desk.pinning.tls_failed_client(end(data, UNKNOWN_CA))
    desk.gone(data.context.client)
    assert desk.lines("seen", "connections", "calls") == [("refused", 1, 0)]
    assert desk.hello("api.openai.com", read=True, port=5001).ignore_connection
    assert desk.lines("seen", "connections") == [("pinned", 1)]
    assert ("midwatch_passthrough_total", ("pinned",)) in [(item.name, item.labels) for item in desk.metrics.samples()]


def test_where_nothing_passes_unread_each_try_is_refused() -> None:
    desk = Desk(pinned="refuse")
    for port in (5000, 5001):
        desk.pinning.tls_failed_client(end(desk.hello("api.openai.com", read=True, port=port), UNKNOWN_CA))
    assert desk.lines("seen", "connections") == [("refused", 2)]


def test_a_handshake_that_fails_otherwise_and_a_client_that_says_nothing_are_not_counted() -> None:
    desk = Desk()
    data = desk.hello("api.openai.com", read=True)
    desk.pinning.tls_failed_client(end(data, "no shared cipher"))
    desk.gone(data.context.client)
    desk.gone(desk.open("api.openai.com", port=5001))
    assert desk.rows() == []


def test_strangers_and_those_who_are_denied_are_not_counted() -> None:
    desk = Desk(required=True)
    desk.hello("claude.ai", read=False)
    flow = tflow.tflow()
    flow.client_conn = desk.open("api.openai.com")
    flow.request.host = "api.openai.com"
    denied = desk.identifying.take(flow)
    assert denied is not None
    flow.metadata[DENIED], flow.response = denied, http.Response.make(401)
    desk.addon.requestheaders(flow)
    assert desk.rows() == []


def test_what_a_stranger_refused_is_not_passed_unread_where_callers_must_be_known() -> None:
    desk = Desk(required=True)
    recognising = Recognising(Catalogue([SPEC], dialects=[]), {})
    admitting = Admitting(recognising, desk.identifying, reads=lambda *_: True, guard=desk.guard)
    desk.pinning.tls_failed_client(end(desk.hello("api.openai.com", read=True), UNKNOWN_CA))
    data = desk.hello("api.openai.com", read=True, port=5001)
    assert data.ignore_connection
    admitting.tls_clienthello(data)
    assert not data.ignore_connection
    assert desk.rows() == []


async def test_the_process_is_waited_for_and_counted_with_all_that_happened_meanwhile() -> None:
    desk = Desk()
    found = desk.owners.found = asyncio.get_running_loop().create_future()
    client = desk.open("api.openai.com", address="127.0.0.1")
    desk.speak(client, "api.openai.com", call=Identity(client="127.0.0.1"))
    desk.gone(client)
    assert desk.rows() == []
    found.set_result(Owner("node agent", "0123456789ab"))
    await asyncio.sleep(0)
    assert desk.lines("process", "container", "connections", "calls") == [("node agent", "0123456789ab", 1, 1)]


async def test_a_process_that_is_not_found_is_not_said() -> None:
    desk = Desk()
    found = desk.owners.found = asyncio.get_running_loop().create_future()
    desk.hello("claude.ai", read=False, address="127.0.0.1")
    found.cancel()
    await asyncio.sleep(0)
    assert desk.lines("process", "connections") == [(None, 1)]


def test_it_can_be_switched_off_and_on() -> None:
    desk = Desk(enabled=False)
    desk.hello("claude.ai", read=False)
    desk.speak(plain_client(), "plain.openai.example", call=Identity())
    assert desk.rows() == []
    desk.addon.follow(HOSTS, enabled=True)
    desk.hello("claude.ai", read=False)
    assert desk.lines("host") == [("claude.ai",)]


def test_a_client_that_names_hosts_without_end_is_bounded() -> None:
    desk, client = Desk(), plain_client()
    for number in range(100):
        desk.speak(client, f"host{number}.lan", call=Identity())
    assert len(desk.addon._open[client.id]) == 64
    desk.gone(client)
    assert desk.addon._open == {}


@pytest.mark.parametrize("hook", ["tls_clienthello", "request", "requestheaders"])
def test_an_error_of_ours_harms_no_flow(hook: str) -> None:
    desk = Desk()
    flow: Any = tflow.tflow()
    nobody: Any = None
    flow.metadata["midwatch_call"] = Told(nobody)
    flow.client_conn.sni = "api.openai.com"
    broken: Any = object() if hook == "tls_clienthello" else flow
    getattr(desk.addon, hook)(broken)
    assert sum(record.failures for record in desk.guard.records.values()) == 1
