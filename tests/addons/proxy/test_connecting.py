"""Connecting: addresses led elsewhere as curl does it, and never back into ourselves."""

import socket

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
        ("::", ("127.0.0.1", 8080), True),
        ("::", ("::ffff:127.0.0.1", 8080), True),
        ("127.0.0.1", ("::ffff:127.0.0.1", 8080), True),
        ("::", ("2001:db8::1", 8080), False),
        ("::", ("224.0.0.1", 8080), False),
    ],
)
def test_never_into_ourselves(listening: str, wanted: tuple[str, int], refused: bool) -> None:
    server = connect(Connecting({}, [(listening, 8080)]), wanted)
    assert bool(server.error) is refused


def test_the_address_of_any_interface_is_ours() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it says which of our addresses would be used
        except OSError:
            pytest.skip("other runtime: this machine has no interface but loopback")
        own = probe.getsockname()[0]
    assert connect(Connecting({}, [("0.0.0.0", 8080)]), (own, 8080)).error
    assert connect(Connecting({}, [("0.0.0.0", 8080)]), (own, 8081)).error is None
    assert connect(Connecting({}, [("127.0.0.1", 8080)]), (own, 8080)).error is None


def test_what_has_its_way_already_is_told() -> None:
    addon = Connecting({"a.example": "127.0.0.1:1", "b.example:443": "127.0.0.1:1"}, [("127.0.0.1", 8080)])
    minded = [("A.example", 443), ("b.example", 443), ("b.example", 80), ("localhost", 8080), ("localhost", 8081)]
    assert [addon.minds(host, port) for host, port in minded] == [True, True, False, True, False]


def test_where_the_user_leads_is_not_doubted() -> None:
    assert connect(Connecting({"a.example": "127.0.0.1:8080"}, [("127.0.0.1", 8080)]), ("a.example", 443)).error is None
