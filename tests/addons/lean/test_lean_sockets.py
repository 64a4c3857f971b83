"""Handed sockets are listened on, a shared port is shared, a taken one is an error of ours."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest

from midwatch.lean import ALL_PATCHES, Listening, StartError, bind, make_master
from midwatch.lean.sockets import sockets_from


async def test_proxy_listens_on_the_socket_it_was_handed(start_proxy: Any, upstream: Any) -> None:
    (sock,) = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    inherited = sockets_from([os.dup(sock.fileno())])
    async with start_proxy(ALL_PATCHES, listening=Listening(sockets=inherited), listen_port=port) as proxy:
        assert proxy.port == port
        async with proxy.client() as client:
            assert (await client.post(f"https://localhost:{upstream.tls}/", content=b"x")).content == b"x"
    # The supervisor's own copy outlives the worker.
    assert sock.getsockname()[1] == port
    sock.close()


async def test_connections_on_handed_sockets_have_no_delay(start_proxy: Any) -> None:
    plain = socket.socket()  # made without a protocol: asyncio would leave Nagle's algorithm on
    plain.bind(("127.0.0.1", 0))
    plain.setblocking(False)
    port = plain.getsockname()[1]
    async with start_proxy(ALL_PATCHES, listening=Listening(sockets=(plain,)), listen_port=port) as proxy:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        connections = proxy.master.addons.get("proxyserver").connections
        while not connections:
            await asyncio.sleep(0.005)
        (handler,) = connections.values()
        accepted = handler.transports[handler.client].writer.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()


async def test_a_port_can_be_shared(start_proxy: Any) -> None:
    (first,) = bind("127.0.0.1", 0, reuse_port=True)
    port = first.getsockname()[1]
    async with start_proxy(ALL_PATCHES, listening=Listening(reuse_port=True), listen_port=port) as proxy:
        assert proxy.port == port
    first.close()


async def test_a_taken_port_is_a_start_error(trust: Any) -> None:
    (taken,) = bind("127.0.0.1", 0)
    taken.listen()
    port = taken.getsockname()[1]
    master = make_master({"confdir": str(trust.confdir), "listen_host": "127.0.0.1", "listen_port": port})
    with pytest.raises(StartError, match=str(port)):
        await master.run()
    taken.close()


def test_sockets_are_found_by_port_and_address() -> None:
    (sock,) = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    listening = Listening(sockets=(sock,))
    assert listening.handed("127.0.0.1", port) == [sock]
    assert listening.handed("localhost", port) == [sock]
    assert listening.handed("", port) == [sock]
    assert listening.handed("127.0.0.2", port) == []
    assert listening.handed("127.0.0.1", port + 1) == []
    sock.close()


def test_bound_sockets_are_inheritable_and_refuse_a_taken_port() -> None:
    (sock,) = bind("127.0.0.1", 0)
    sock.listen()
    assert sock.get_inheritable()
    assert sock.proto == socket.IPPROTO_TCP
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", sock.getsockname()[1])
    sock.close()
