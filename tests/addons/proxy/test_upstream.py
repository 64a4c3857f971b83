"""The forward proxy: who is led through it, by which name, and that nothing is where it is not wanted."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import connection, http, options
from mitmproxy.proxy import layer, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream
from mitmproxy.proxy.layers.modes import HttpProxy, ReverseProxy, TransparentProxy
from mitmproxy.proxy.layers.tls import ServerTLSLayer
from mitmproxy.test import tflow

from midwatch.home import Home
from midwatch.proxy import bridge
from midwatch.proxy.connecting import Connecting
from midwatch.proxy.upstream import Upstream, Way
from midwatch_core.errors import ConfigError
from midwatch_core.upstream_settings import UpstreamSettings

URL = "http://office:word@proxy.corp.example:3128"
VIA = ("http", ("proxy.corp.example", 3128))
BASIC = f"Basic {base64.b64encode(b'office:word').decode()}"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Upstream]:
    monkeypatch.setenv("PROXY_URL", URL)

    def made(proxy: str | None = "${PROXY_URL}", **more: Any) -> Upstream:
        settings = UpstreamSettings.model_validate({"proxy": proxy, **more})
        connecting = Connecting({"led.example": "127.0.0.1:9"}, [("127.0.0.1", 8080), ("198.51.100.1", 8080)])
        return Upstream(settings, connecting, Home(tmp_path))

    return made


def flow_to(url: str, mode: str = "regular", **headers: str) -> http.HTTPFlow:
    """A request whose head has come."""
    flow = tflow.tflow()
    flow.request = http.Request.make("GET", url)
    for name, value in headers.items():
        flow.request.headers[name] = value
    flow.client_conn.proxy_mode = mode_specs.ProxyMode.parse(mode)
    flow.client_conn.sni = None
    flow.server_conn = connection.Server(address=None)
    return flow


def test_a_request_that_is_decrypted_has_a_tunnel(make: Any) -> None:
    flow = flow_to("https://api.openai.com/v1/models")
    make().requestheaders(flow)
    assert flow.server_conn.via == VIA
    assert (flow.request.host, flow.request.port) == ("api.openai.com", 443)
    assert "proxy-authorization" not in flow.request.headers


def test_a_plain_request_is_asked_of_the_proxy(make: Any) -> None:
    flow = flow_to("http://ollama.lan:11434/api/chat")
    make().requestheaders(flow)
    assert flow.server_conn.via is None
    assert (flow.request.host, flow.request.port) == ("proxy.corp.example", 3128)
    assert (flow.request.authority, flow.request.host_header) == ("ollama.lan:11434", "ollama.lan:11434")
    assert flow.request.headers["proxy-authorization"] == BASIC
    assert (bridge.host_of(flow), bridge.port_of(flow)) == ("ollama.lan", 11434)


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("web.example", "web.example"),
        ("web.example:80", "web.example"),
        ("web.example:99", "web.example"),
        ("a b/../x", "192.0.2.7"),
        ("x HTTP/1.1", "192.0.2.7"),
        ("", "192.0.2.7"),
    ],
)
def test_a_transparent_client_says_the_name_in_its_host_header(make: Any, host: str, authority: str) -> None:
    flow = flow_to("http://192.0.2.7/x", "transparent", host=host)
    make().requestheaders(flow)
    assert (flow.request.authority, flow.request.headers["host"]) == (authority, authority)


@pytest.mark.parametrize(("port", "authority"), [(80, "[2001:db8::7]"), (81, "[2001:db8::7]:81")])
def test_an_address_of_ipv6_has_brackets(make: Any, port: int, authority: str) -> None:
    flow = flow_to(f"http://[2001:db8::7]:{port}/x", "transparent")
    flow.request.headers.pop("host", None)
    make().requestheaders(flow)
    assert (flow.request.authority, flow.request.headers["host"]) == (authority, authority)


@pytest.mark.parametrize(("url", "status"), [("http://web.example/", 502), ("https://web.example/", 407)])
def test_credentials_that_are_wrong_are_not_the_clients_to_mend(make: Any, url: str, status: int) -> None:
    flow, addon = flow_to(url), make()
    addon.requestheaders(flow)
    flow.response = http.Response.make(407, headers={"proxy-authenticate": "Basic"})
    addon.responseheaders(flow)
    assert (flow.response.status_code, "proxy-authenticate" in flow.response.headers) == (status, status == 407)


def test_what_a_proxy_client_names_is_asked_for_whatever_its_host_header_says(make: Any) -> None:
    flow = flow_to("http://web.example/x", host="other.example")
    make().requestheaders(flow)
    assert flow.request.authority == "web.example"


def test_a_plain_websocket_has_a_tunnel(make: Any) -> None:
    flow = flow_to("http://web.example/ws", upgrade="websocket")
    make().requestheaders(flow)
    assert (flow.server_conn.via, flow.request.host) == (VIA, "web.example")


def test_a_proxy_that_speaks_tls_itself_gets_tunnels_alone(make: Any) -> None:
    flow = flow_to("http://web.example/")
    make(proxy="https://proxy.corp.example").requestheaders(flow)
    assert flow.server_conn.via == ("https", ("proxy.corp.example", 443))


@pytest.mark.parametrize(
    "url",
    [
        "https://git.corp.example/",
        "http://10.1.2.3/",
        "https://localhost/",
        "http://127.0.0.1:11434/",
        "https://led.example/",
        "http://198.51.100.1:8080/",
    ],
)
def test_what_is_near_is_reached_directly(make: Any, url: str) -> None:
    flow = flow_to(url)
    before = (flow.request.host, flow.request.port)
    make(direct=["*.corp.example", "10.0.0.0/8"]).requestheaders(flow)
    assert (flow.server_conn.via, (flow.request.host, flow.request.port)) == (None, before)


def test_a_name_that_is_direct_counts_also_where_the_address_is_all_that_was_asked_for(make: Any) -> None:
    flow = flow_to("https://192.0.2.7/", "transparent")
    flow.client_conn.sni = "git.corp.example"
    make(direct=["*.corp.example"]).requestheaders(flow)
    assert flow.server_conn.via is None


@pytest.mark.parametrize("what", ["answered", "killed", "connected", "a mode with its own"])
def test_what_goes_nowhere_else_is_left_alone(make: Any, what: str) -> None:
    mode = "upstream:http://other.example:1" if what == "a mode with its own" else "regular"
    flow = flow_to("http://web.example/", mode)
    if what == "answered":
        flow.response = http.Response.make(403)
    elif what == "killed":
        flow.kill()
    elif what == "connected":
        flow.server_conn.state = connection.ConnectionState.OPEN
    make().requestheaders(flow)
    make().http_connect_upstream(flow)
    assert (flow.request.host, flow.request.headers.get("proxy-authorization")) in [
        ("web.example", None),
        ("web.example", BASIC),
    ]
    assert flow.server_conn.via is None


def connect_to(authority: str, sni: str | None) -> http.HTTPFlow:
    host, _, port = authority.rpartition(":")
    flow = flow_to(f"http://{authority}/", "transparent")
    flow.client_conn.sni = sni
    flow.request.method, flow.request.authority = "CONNECT", authority
    assert (flow.request.host, flow.request.port) == (host.strip("[]"), int(port))
    return flow


@pytest.mark.parametrize(
    ("authority", "sni", "asked"),
    [
        ("192.0.2.7:443", "api.openai.com", "api.openai.com:443"),
        ("[2001:db8::7]:443", "api.openai.com", "api.openai.com:443"),
        ("192.0.2.7:443", None, "192.0.2.7:443"),
        ("[2001:db8::7]:443", None, "[2001:db8::7]:443"),
        ("api.openai.com:443", "fronted.example", "api.openai.com:443"),
    ],
)
def test_a_tunnel_is_asked_for_by_name_with_credentials(make: Any, authority: str, sni: str | None, asked: str) -> None:
    flow = connect_to(authority, sni)
    make().http_connect_upstream(flow)
    assert (flow.request.authority, flow.request.headers["host"]) == (asked, asked)
    assert flow.request.headers["proxy-authorization"] == BASIC


def test_without_credentials_none_are_shown(make: Any) -> None:
    flow = connect_to("192.0.2.7:443", None)
    make(proxy="http://proxy.corp.example").http_connect_upstream(flow)
    assert "proxy-authorization" not in flow.request.headers


def context(mode: str, *kinds: type[layer.Layer]) -> Context:
    """A connection whose client has named a server, as far as these layers go."""
    client = connection.Client(peername=("192.0.2.1", 5), sockname=("192.0.2.2", 8080), timestamp_start=0.0)
    client.proxy_mode = mode_specs.ProxyMode.parse(mode)
    made = Context(client, options.Options())
    made.server.address = ("192.0.2.7", 443)
    for kind in kinds:
        if kind is HttpLayer:
            HttpLayer(made, HTTPMode.regular)
        elif kind is HttpStream:
            HttpStream(made, 1)
        else:
            kind(made)
    return made


@pytest.mark.parametrize(
    ("mode", "kinds", "led"),
    [
        ("transparent", (TransparentProxy,), True),
        ("regular", (HttpProxy, HttpLayer, HttpStream), True),
        ("regular", (HttpProxy,), False),
        ("reverse:https://api.openai.com", (ReverseProxy,), False),
        ("upstream:http://other.example:1", (HttpProxy, HttpLayer, HttpStream), False),
    ],
)
def test_a_tunnel_begins_where_a_server_is_named(
    make: Any, mode: str, kinds: tuple[type[layer.Layer], ...], led: bool
) -> None:
    asked = layer.NextLayer(context(mode, *kinds))
    make().next_layer(asked)
    assert isinstance(asked.layer, Way) is led


def test_a_proxy_that_speaks_tls_itself_has_it_first(make: Any) -> None:
    asked = layer.NextLayer(context("transparent", TransparentProxy))
    make(proxy="https://proxy.corp.example").next_layer(asked)
    assert isinstance(asked.layer, ServerTLSLayer)
    assert isinstance(asked.layer.child_layer, Way)


def test_without_a_proxy_nothing_changes(make: Any) -> None:
    asked = layer.NextLayer(context("transparent", TransparentProxy))
    addon = make(proxy=None)
    addon.next_layer(asked)
    flow = flow_to("http://web.example/")
    addon.requestheaders(flow)
    assert (asked.layer, flow.request.host, addon.options) == (None, "web.example", {})


def test_options_are_for_tunnels_by_name(make: Any, tmp_path: Path) -> None:
    assert make(client_certificates=str(tmp_path)).options == {
        "connection_strategy": "lazy",
        "client_certs": str(tmp_path),
    }


def test_a_secret_that_is_missing_is_said(make: Any) -> None:
    with pytest.raises(ConfigError, match=r"upstream\.proxy: the variable NO_SUCH is not set"):
        make(proxy="http://me:${NO_SUCH}@proxy:1")
