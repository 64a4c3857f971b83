"""Connecting: addresses led elsewhere as curl does it, and never back into ourselves."""

import pytest
from mitmproxy import connection
from mitmproxy.proxy import server_hooks
from mitmproxy.test import tflow

from midwatch.proxy.connecting import Connecting


def connect(addon: Connecting, address: tuple[str, int] | None) -> connection.Server:
    server = connection.Server(address=address)
    addon.server_connect(server_hooks.ServerConnectionHookData(server=server, client=tflow.tclient_conn()))
    return server


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        (("api.openai.com", 443), ("127.0.0.1", 9001)),
        (("API.openai.com", 80), ("127.0.0.1", 9001)),
        (("api.anthropic.com", 443), ("::1", 9002)),
        (("api.anthropic.com", 80), ("api.anthropic.com", 80)),
        (("other.example", 443), ("other.example", 443)),
    ],
)
def test_addresses_are_led_elsewhere(address: tuple[str, int], leads: tuple[str, int]) -> None:
    addon = Connecting({"Api.OpenAI.com": "127.0.0.1:9001", "api.anthropic.com:443": "[::1]:9002"}, [])
    server = connect(addon, address)
    assert (server.address, server.error) == (leads, None)


def test_an_unknown_address_is_left_alone() -> None:
    assert connect(Connecting({"a": "127.0.0.1:1"}, []), None).address is None


def test_a_reload_holds_from_the_next_connection_on() -> None:
    addon = Connecting({"a.example": "127.0.0.1:1"}, [])
    addon.follow({"a.example": "127.0.0.1:2"})
    assert connect(addon, ("a.example", 443)).address == ("127.0.0.1", 2)


@pytest.mark.parametrize(
    ("listening", "wanted", "refused"),
    [
        ("127.0.0.1", ("127.0.0.1", 8080), True),
        ("127.0.0.1", ("localhost", 8080), True),
        ("127.0.0.1", ("0.0.0.0", 8080), True),
        ("127.0.0.1", ("127.0.0.1", 8081), False),
        ("127.0.0.1", ("192.0.2.1", 8080), False),
        ("0.0.0.0", ("127.0.0.1", 8080), True),
        ("0.0.0.0", ("192.0.2.1", 8080), False),
        ("::", ("::1", 8080), True),
    ],
)
def test_never_into_ourselves(listening: str, wanted: tuple[str, int], refused: bool) -> None:
    server = connect(Connecting({}, [(listening, 8080)]), wanted)
    assert bool(server.error) is refused


def test_where_the_user_leads_is_not_doubted() -> None:
    assert connect(Connecting({"a.example": "127.0.0.1:8080"}, [("127.0.0.1", 8080)]), ("a.example", 443)).error is None
