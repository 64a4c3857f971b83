"""A drain refuses new connections, lets running exchanges end, and does not wait for idle ones."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from mitmproxy.test import tflow

from midwatch.lean import ALL_PATCHES, drain
from midwatch.lean.in_flight import IDLE, InFlight


async def test_a_running_exchange_is_finished_first(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client, proxy.client() as late:
        running = asyncio.create_task(client.get(f"https://localhost:{upstream.tls}/slow"))
        while not len(proxy.master.addons.get(InFlight.name)):
            await asyncio.sleep(0.005)
        draining = asyncio.create_task(drain(proxy.master, deadline_s=30))
        while proxy.master.addons.get("proxyserver").listen_addrs():
            await asyncio.sleep(0.005)
        with pytest.raises(httpx.ConnectError):
            await late.get(f"https://localhost:{upstream.tls}/")
        assert not draining.done()
        upstream.let_go.set()
        assert (await running).content == b"slow"
        assert (await draining).cut == 0
        await asyncio.wait_for(proxy.task, 60)


async def test_an_idle_connection_does_not_hold_it_up(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        await client.get(f"https://localhost:{upstream.tls}/")
        drained = await drain(proxy.master, deadline_s=30)
        assert (drained.cut, drained.idle) == (0, 1)


async def test_what_does_not_end_is_cut_at_the_deadline(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        running = asyncio.create_task(client.get(f"https://localhost:{upstream.tls}/slow"))
        while not len(proxy.master.addons.get(InFlight.name)):
            await asyncio.sleep(0.005)
        assert (await drain(proxy.master, deadline_s=0.1)).cut == 1
        running.cancel()
        upstream.let_go.set()


async def test_one_that_would_ask_on_and_on_is_told_to_go(start_proxy: Any, upstream: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy, proxy.client() as client:
        running = asyncio.create_task(client.get(f"https://localhost:{upstream.tls}/slow"))
        while not len(proxy.master.addons.get(InFlight.name)):
            await asyncio.sleep(0.005)
        draining = asyncio.create_task(drain(proxy.master, deadline_s=30))
        while proxy.master.addons.get("proxyserver").listen_addrs():
            await asyncio.sleep(0.005)
        upstream.let_go.set()
        assert (await running).headers["connection"] == "close"
        assert (await draining).idle == 0


def test_flows_are_counted_from_first_hook_to_last() -> None:
    addon = InFlight()
    flow, socket = tflow.tflow(resp=True), tflow.twebsocketflow()
    for one in (flow, socket):
        addon.requestheaders(one)
    addon.response(flow)
    addon.response(socket)
    assert addon.busy_clients() == {socket.client_conn.id}
    socket.metadata[IDLE] = True
    assert addon.busy_clients() == set()
    addon.websocket_end(socket)
    assert len(addon) == 0
    tcp = tflow.ttcpflow()
    addon.tcp_start(tcp)
    addon.client_disconnected(tcp.client_conn)
    assert len(addon) == 0
