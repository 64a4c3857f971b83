"""A transparent proxy is not its own client: by the sockets of this process, which are real here."""

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy.proxy import mode_specs

from midwatch.proxy.own_traffic import OwnTraffic


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection within this machine: who came, and whom it reached."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as server, socket.socket(family) as came:
        came.connect(server.getsockname())
        reached, _ = server.accept()
        with reached:
            yield came, reached


def arrives(came: socket.socket, mode: str = "transparent") -> connection.Client:
    client = connection.Client(peername=came.getsockname(), sockname=came.getpeername(), timestamp_start=0.0)
    client.proxy_mode = mode_specs.ProxyMode.parse(mode)
    OwnTraffic().client_connected(client)
    return client


def test_a_connection_of_our_own_is_refused(pair: tuple[socket.socket, socket.socket]) -> None:
    """Where there is /proc to look into: elsewhere nobody can tell, and it passes."""
    refusal = "Midwatch will not be its own client." if sys.platform == "linux" else None
    assert arrives(pair[0]).error == refusal


def test_other_modes_do_not_ask(pair: tuple[socket.socket, socket.socket]) -> None:
    assert arrives(pair[0], "regular").error is None


def test_another_programs_connection_passes(pair: tuple[socket.socket, socket.socket]) -> None:
    came, reached = pair
    stranger = connection.Client(
        peername=(came.getsockname()[0], came.getsockname()[1] ^ 1), sockname=reached.getsockname(), timestamp_start=0.0
    )
    stranger.proxy_mode = mode_specs.ProxyMode.parse("transparent")
    OwnTraffic().client_connected(stranger)
    assert stranger.error is None


@pytest.mark.parametrize("peer", [("192.0.2.1", 5), ("2001:db8::1", 5, 0, 0), ("not an address", 5), None])
def test_who_comes_from_elsewhere_passes(peer: Any) -> None:
    client = connection.Client(peername=peer, sockname=("192.0.2.2", 443), timestamp_start=0.0)
    client.proxy_mode = mode_specs.ProxyMode.parse("transparent")
    OwnTraffic().client_connected(client)
    assert client.error is None
