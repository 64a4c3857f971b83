"""Whose a flow is, and what of it never goes on."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import connection, http, tls
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.test import taddons, tflow

from midwatch.proxy.admission.identifying import Identifying
from midwatch_core.access.directory import Directory
from midwatch_core.access.fingerprint import fingerprint
from midwatch_core.access.identifying import Identifier
from midwatch_core.access.keys import key_digest, new_key
from midwatch_core.access.settings import IdentitySettings
from midwatch_core.access.shown import Denied
from midwatch_core.clock import SystemClock
from midwatch_core.metrics import Metrics
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.identity import Identity
from midwatch_core.model.tenant import Tenant

from .conftest import Watch, answer_head, make_flow

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEY = new_key()
REQUIRED = IdentitySettings(required=True)
DIRECTORY = Directory(
    tenants=(
        Tenant(name="acme", created_at=LONG_AGO),
        Tenant(name="lab", created_at=LONG_AGO, networks=("10.1.0.0/16",)),
        Tenant(name="byok", created_at=LONG_AGO, provider_keys=(fingerprint(b"key", "sk-theirs"),)),
    ),
    keys=(
        ApiKey(
            id=KEY.id,
            digest=key_digest(KEY.text),
            role=AccessRole.CLIENT,
            tenant="acme",
            agent=None,
            created_at=LONG_AGO,
        ),
    ),
)


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def connect(value: str | None = None, host: str = "api.openai.com") -> http.HTTPFlow:
    flow = tflow.tflow()
    flow.request = http.Request.make("CONNECT", f"https://{host}/")
    if value is not None:
        flow.request.headers["proxy-authorization"] = value
    return flow


def inside(tunnel: http.HTTPFlow, **headers: str) -> http.HTTPFlow:
    flow = make_flow(headers={name.replace("_", "-"): value for name, value in headers.items()})
    flow.client_conn = tunnel.client_conn
    flow.client_conn.sni = "api.openai.com"
    return flow


@pytest.fixture
def watch(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    settings = getattr(request, "param", IdentitySettings())
    made = Watch(tmp_path / "journal", directory=DIRECTORY, identity=settings)
    with taddons.context(made.addon):
        yield made
    made.close()


async def finish(watch: Watch, flow: http.HTTPFlow) -> None:
    watch.begin(flow)
    if flow.response is None:
        watch.addon.request(flow)
    if flow.response is None:
        answer_head(flow, content_type="application/json", content_length="2")
        watch.addon.responseheaders(flow)
        tap = getattr(flow.response, "stream", None)
        assert callable(tap)
        tap(b"{}")


async def identity_of(watch: Watch, flow: http.HTTPFlow) -> Identity:
    await finish(watch, flow)
    (exchange,) = watch.journalled()
    return exchange.identity


@pytest.mark.parametrize(
    ("value", "app"),
    [
        (basic("nightly"), "nightly"),
        ("basic " + base64.b64encode(b"nightly").decode(), "nightly"),
        ("Basic " + base64.b64encode(b":").decode(), "OpenAI/Python"),
        ("Basic " + base64.b64encode(b"\xff\xfe:").decode(), "OpenAI/Python"),
        ("Basic !!!", "OpenAI/Python"),
        ("Bearer token", "OpenAI/Python"),
        ("", "OpenAI/Python"),
    ],
)
async def test_a_proxy_s_user_without_password_names_the_application(watch: Watch, value: str, app: str) -> None:
    tunnel = connect(value)
    watch.admitting.http_connect(tunnel)
    assert tunnel.response is None
    identity = await identity_of(watch, inside(tunnel))
    assert (identity.app, identity.tenant) == (app, "default")


async def test_a_key_as_the_proxy_s_password_tells_the_tenant(watch: Watch) -> None:
    tunnel = connect(basic("mail", KEY.text))
    watch.admitting.http_connect(tunnel)
    identity = await identity_of(watch, inside(tunnel))
    assert (identity.tenant, identity.key_id, identity.app) == ("acme", KEY.id, "mail")
    watch.admitting.client_disconnected(tunnel.client_conn)
    assert (await identity_of(watch, inside(tunnel))).tenant == "default"


async def test_a_key_in_a_header_tells_the_tenant_and_goes_no_further(watch: Watch) -> None:
    flow = make_flow(
        headers={"X-Midwatch-Key": KEY.text, "X-MIDWATCH-Agent": "planner", "x-midwatch-user": "ann", "accept": "*/*"}
    )
    identity = await identity_of(watch, flow)
    assert (identity.tenant, identity.agent, identity.user) == ("acme", "planner", "ann")
    assert not [name for name in flow.request.headers if "midwatch" in name.lower()]
    assert flow.request.headers["accept"] == "*/*"


async def test_the_key_is_in_nothing_that_is_journalled(watch: Watch) -> None:
    await finish(watch, make_flow(headers={"x-midwatch-key": KEY.text}))
    (exchange,) = watch.journalled()
    assert KEY.text not in repr(exchange)


@pytest.mark.parametrize("place", ["proxy", "header"])
@pytest.mark.parametrize(
    "given", ["mw_aaaaaaaa_" + "x" * 43, "secret", KEY.text[:-1] + "!"], ids=["unknown", "no key", "changed"]
)
async def test_a_wrong_key_is_refused_wherever_it_stands(watch: Watch, place: str, given: str) -> None:
    if place == "proxy":
        tunnel = connect(basic("u", given))
        watch.admitting.http_connect(tunnel)
        assert tunnel.response is not None
        assert tunnel.response.status_code == 407
        assert "Basic" in tunnel.response.headers["proxy-authenticate"]
        return
    flow = make_flow(headers={"x-midwatch-key": given})
    watch.begin(flow)
    assert flow.response is not None
    assert flow.response.status_code == 401
    assert orjson.loads(flow.response.content or b"")["error"]["code"] == "midwatch_wrong_key"
    watch.addon.request(flow)
    watch.addon.responseheaders(flow)
    assert watch.journalled() == []


async def test_a_revoked_key_closes_an_open_tunnel(watch: Watch) -> None:
    tunnel = connect(basic("u", KEY.text))
    watch.admitting.http_connect(tunnel)
    revoked = Directory(tenants=DIRECTORY.tenants)
    watch.admitting.identifying.identifier = Identifier(revoked, IdentitySettings(), default="default")
    flow = inside(tunnel)
    watch.begin(flow)
    assert flow.response is not None
    assert flow.response.status_code == 401


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_where_identity_is_required_no_tunnel_is_relayed_for_nobody(watch: Watch) -> None:
    elsewhere = connect(host="example.com")
    watch.admitting.http_connect(elsewhere)
    assert elsewhere.response is not None
    assert elsewhere.response.status_code == 407
    listed = connect()
    watch.admitting.http_connect(listed)
    assert listed.response is None  # a header inside may tell
    flow = inside(listed)
    watch.begin(flow)
    assert flow.response is not None
    assert flow.response.status_code == 401
    told = inside(listed, x_midwatch_key=KEY.text)
    assert (await identity_of(watch, told)).tenant == "acme"


def relayed_unread(watch: Watch, client: connection.Client) -> bool:
    """Whether TLS that is not to be decrypted, and bytes of no known protocol, are relayed for a client."""
    unread: Any = None
    hello = tls.ClientHelloData(Context(client, Options()), unread, ignore_connection=True)
    watch.admitting.tls_clienthello(hello)
    raw = tflow.ttcpflow(client_conn=client)
    raw.live = True
    watch.admitting.tcp_start(raw)
    assert hello.ignore_connection is (raw.error is None)
    return hello.ignore_connection


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_a_tunnel_opened_on_trust_is_read_whatever_name_its_tls_asks_for(watch: Watch) -> None:
    tunnel = connect()
    watch.admitting.http_connect(tunnel)
    assert not relayed_unread(watch, tunnel.client_conn)


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_nothing_is_relayed_unread_for_a_stranger_who_asked_for_no_tunnel(watch: Watch) -> None:
    """As clients of a transparent proxy and of SOCKS do."""
    client = tflow.tclient_conn()
    assert not relayed_unread(watch, client)
    client.peername = ("10.1.2.3", 4711)
    assert relayed_unread(watch, client)


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_a_tunnel_is_relayed_unread_for_who_showed_a_key(watch: Watch) -> None:
    tunnel = connect(basic("u", KEY.text), host="example.com")
    watch.admitting.http_connect(tunnel)
    assert relayed_unread(watch, tunnel.client_conn)


async def test_where_nobody_must_be_known_all_is_relayed(watch: Watch) -> None:
    assert relayed_unread(watch, tflow.tclient_conn())


@pytest.mark.parametrize("watch", [IdentitySettings(required=True, order=("proxy", "network"))], indirect=True)
async def test_where_only_the_proxy_s_password_counts_it_is_asked_for_at_once(watch: Watch) -> None:
    tunnel = connect()
    watch.admitting.http_connect(tunnel)
    assert tunnel.response is not None
    assert tunnel.response.status_code == 407


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_what_is_no_call_is_refused_to_nobody_too(watch: Watch) -> None:
    flow = make_flow(path="/v1/models", method="GET", body=b"")
    watch.begin(flow)
    assert flow.response is not None
    assert flow.response.status_code == 407


@pytest.mark.parametrize("watch", [REQUIRED], indirect=True)
async def test_a_network_and_a_provider_s_key_claim_a_call(watch: Watch) -> None:
    near = make_flow()
    near.client_conn.peername = ("10.1.2.3", 4711)
    assert (await identity_of(watch, near)).tenant == "lab"
    theirs = make_flow(headers={"authorization": "Bearer sk-theirs"})
    assert (await identity_of(watch, theirs)).tenant == "byok"
    assert theirs.request.headers["authorization"] == "Bearer sk-theirs"


@given(st.binary())
def test_any_header_bytes_are_taken_or_refused(value: bytes) -> None:
    metrics = Metrics()
    from midwatch.proxy.numbers import IDENTIFYING as METRICS

    metrics.declare(METRICS)
    identifying = Identifying(
        Identifier(DIRECTORY, IdentitySettings(), default="default"),
        IdentitySettings(),
        installation_key=b"key",
        clock=SystemClock(),
        metrics=metrics,
    )
    flow = make_flow()
    flow.request.headers.fields = (
        (b"proxy-authorization", value),
        (b"x-midwatch-key", value),
        (b"x-midwatch-agent", value),
        (b"user-agent", value),
    )
    denied = identifying.take(flow)
    found = identifying.identity(flow)
    assert isinstance(found, Denied) if denied is not None else found
    assert [name for name, _ in flow.request.headers.fields] == [b"user-agent"]
