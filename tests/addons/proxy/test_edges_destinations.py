"""Where clients may be led, through a real proxy and a resolver whose answers the test decides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from midwatch.proxy.connecting import Connecting
from midwatch.proxy.edges.destinations import Destinations
from midwatch.proxy.edges.guarded_modes import Strictness, strictness_of
from midwatch.proxy.edges.refusing import REFUSED, Refusing
from midwatch.proxy.edges.telling import Telling
from midwatch.proxy.numbers import WORKER
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.destination_settings import DestinationSettings
from midwatch_core.metrics import Metrics
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from tests.addons.conftest import StartOrigin

PROVIDERS = [{"name": "shipped", "hosts": ["*.openai.azure.example"], "routes": []}]


@dataclass
class Server:
    """Answers every request, and counts those who come and those who speak."""

    port: int = 0
    met: int = 0
    heard: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met += 1
        while await reader.readline():
            self.heard += 1
            if await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()


@pytest.fixture
async def server(start_origin: StartOrigin) -> Server:
    """On every address of this machine, so that a name decides who is met."""
    made = Server()
    made.port = await start_origin(made.serve, "0.0.0.0")
    return made


@dataclass
class Resolver:
    """A hostile name server: each question gets the next of these answers, and the last for ever."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: Any, port: Any, **options: Any) -> list[Any]:
        self.asked.append(str(host))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        stream = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, stream, 6, "", (ip, port, 0, 0))
            if ":" in ip
            else (socket.AF_INET, stream, 6, "", (ip, port))
            for ip in found
        ]


class House:
    """A proxy with the guard, and what it counted."""

    def __init__(self, **settings: Any) -> None:
        config = Config.model_validate({"destinations": {"private": "refuse"}, **settings})
        self.metrics = Metrics()
        self.metrics.declare(WORKER)
        spec = CatalogueSpec.model_validate({"providers": PROVIDERS})
        refusing = Refusing(self.metrics, Telling(SystemClock()))
        self.addons = [
            Connecting(config.connect_to, []),
            Destinations(config, Catalogue([spec], dialects=[]), refusing),
        ]

    @property
    def counted(self) -> dict[str, int]:
        return {item.labels[0]: int(item.values[0]) for item in self.metrics.samples([REFUSED])}


async def tunnel(proxy: Any, authority: str) -> str:
    """What is answered who asks for a tunnel, and speaks in it: the status, or what the server says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
        status = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        if status != "200":
            return status
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        return (await asyncio.wait_for(reader.read(100), 60)).decode()[-2:]
    finally:
        writer.close()


async def plain(proxy: Any, authority: str) -> str:
    """The status of an answer to a plain request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(f"GET http://{authority}/ HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
        return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).split(b" ")[1].decode()
    finally:
        writer.close()


def resolve_by(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, names mean what the test's server says. (The proxy runs in this loop.)"""
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver, raising=False)


@pytest.mark.parametrize(
    ("host", "edge"),
    [
        ("127.0.0.1", "destination_loopback"),
        ("[::1]", "destination_loopback"),
        ("[::ffff:127.0.0.1]", "destination_loopback"),
        ("0.0.0.0", "destination_loopback"),
        ("169.254.169.254", "destination_metadata"),
        ("[fd00:ec2::254]", "destination_metadata"),
        ("metadata.google.internal", "destination_metadata"),
        ("METADATA.google.internal.", "destination_metadata"),
        ("169.254.7.7", "destination_link_local"),
        ("10.1.2.3", "destination_private"),
        ("192.168.0.1", "destination_private"),
    ],
)
async def test_an_address_is_refused_before_anything_is_opened(
    start_proxy: Any,
    server: Server,
    host: str,
    edge: str,
) -> None:
    house = House()
    async with start_proxy((), house.addons) as proxy:
        assert await tunnel(proxy, f"{host}:{server.port}") == "403"
        assert await plain(proxy, f"{host}:{server.port}") == "403"
    assert server.met == 0
    assert house.counted == {edge: 2}


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "169.254.169.254"]])
async def test_a_name_is_refused_by_where_it_leads(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    answer: list[str],
) -> None:
    house, resolver = House(), Resolver([answer])
    async with start_proxy((), house.addons) as proxy:
        resolve_by(resolver, monkeypatch)
        assert await tunnel(proxy, f"rebind.example:{server.port}") == "403"
        assert await plain(proxy, f"rebind.example:{server.port}") == "502"
    assert server.met == 0
    assert sum(house.counted.values()) == 2


async def test_a_name_that_leads_elsewhere_next_time_is_asked_once(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the answer that was judged is the one that is connected to. The next is judged anew."""
    house = House(destinations={"private": "refuse", "allow": ["127.0.0.2"]})
    resolver = Resolver([["127.0.0.2"], ["127.0.0.1"]])
    async with start_proxy((), house.addons) as proxy:
        resolve_by(resolver, monkeypatch)
        assert await tunnel(proxy, f"rebind.example:{server.port}") == "ok"
        assert resolver.asked == ["rebind.example"]
        assert await tunnel(proxy, f"rebind.example:{server.port}") == "403"
    assert (server.met, len(resolver.asked)) == (1, 2)


async def test_of_several_addresses_those_that_may_be_are_tried(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(destinations={"private": "refuse", "allow": ["127.0.0.2/31"]})
    async with start_proxy((), house.addons) as proxy:
        resolve_by(Resolver([["127.0.0.1", "::1", "127.0.0.3"]]), monkeypatch)
        assert await tunnel(proxy, f"mixed.example:{server.port}") == "ok"
    assert server.met == 1


async def test_what_was_connected_to_is_judged_where_the_lookup_could_not_be(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A loop that resolves by itself: the connection is made, and not a byte is sent on it."""
    house = House()
    monkeypatch.setattr("midwatch.proxy.edges.resolving.JudgedLookup.__call__", _stock_lookup)
    async with start_proxy((), house.addons) as proxy:
        assert await tunnel(proxy, f"localhost:{server.port}") != "ok"
    assert server.met > 0
    assert server.heard == 0
    assert house.counted == {"destination_loopback": server.met}


async def _stock_lookup(self: Any, *words: Any, **options: Any) -> list[Any]:
    found: list[Any] = await self._stock(*words, **options)
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {"destinations": {"private": "allow"}},
        {"destinations": {"private": "auto"}},
        {"destinations": {"private": "refuse", "allow": ["127.0.0.0/8"]}},
        {"destinations": {"private": "refuse", "allow": ["*.lan"]}},
        {"providers": [{"name": "own", "hosts": ["ollama.lan"], "routes": []}]},
        {"connect_to": {"ollama.lan": "127.0.0.1:{port}"}},
    ],
    ids=["allow", "on-loopback", "network", "name", "provider", "connect_to"],
)
async def test_what_the_configuration_names_is_connected_to(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
) -> None:
    if "connect_to" in settings:
        settings = {"connect_to": {"ollama.lan": f"127.0.0.1:{server.port}"}}
    house = House(**settings)
    async with start_proxy((), house.addons) as proxy:
        resolve_by(Resolver([["127.0.0.1"]]), monkeypatch)
        assert await tunnel(proxy, f"ollama.lan:{server.port}") == "ok"
        assert await plain(proxy, f"ollama.lan:{server.port}") == "200"
    assert house.counted == {}


async def test_a_connection_back_to_the_proxy_is_refused_and_counted(start_proxy: Any) -> None:
    """By mitmproxy for its own listeners, and by `connecting` for what else is ours."""
    house = House(destinations={"private": "allow"})
    house.addons[0] = Connecting({}, [("127.0.0.1", 9)])
    async with start_proxy((), house.addons) as proxy:
        for port in (proxy.port, 9):
            assert await tunnel(proxy, f"127.0.0.1:{port}") == "502"
            assert await plain(proxy, f"127.0.0.1:{port}") == "502"
    assert house.counted == {"destination_self": 4}


async def test_a_listed_host_may_be_private_and_no_nearer(
    start_proxy: Any,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider's private endpoint in one's own network resolves to an address there."""
    house = House()
    name = f"own.openai.azure.example:{server.port}"
    async with start_proxy((), house.addons) as proxy:
        resolve_by(Resolver([["127.0.0.1"]]), monkeypatch)
        assert await tunnel(proxy, name) == "403"
        resolve_by(Resolver([["100.127.255.254"]]), monkeypatch)
        assert await tunnel(proxy, "other.example:1") == "403"
    assert house.counted == {"destination_loopback": 1, "destination_private": 1}


async def test_a_lookup_of_our_own_is_never_judged(
    start_proxy: Any,
    server: Server,
) -> None:
    """Caches and control are found by the same loop."""
    house = House()
    async with start_proxy((), house.addons) as proxy:
        assert await tunnel(proxy, f"localhost:{server.port}") == "403"
        reader, writer = await asyncio.open_connection("localhost", server.port, family=socket.AF_INET)
        writer.close()
        assert reader is not None


@pytest.mark.parametrize(
    ("spec", "listen", "private", "strictness"),
    [
        ("regular", "127.0.0.1:8080", "auto", Strictness.NONE),
        ("regular", "[::1]:8080", "auto", Strictness.NONE),
        ("regular", "0.0.0.0:8080", "auto", Strictness.ALL),
        ("regular", "[::]:8080", "auto", Strictness.ALL),
        ("regular", "10.0.0.5:8080", "auto", Strictness.ALL),
        ("regular@0.0.0.0:9000", "127.0.0.1:8080", "auto", Strictness.ALL),
        ("socks5@127.0.0.1:9000", "0.0.0.0:8080", "auto", Strictness.NONE),
        ("upstream:http://proxy:3128", "0.0.0.0:8080", "auto", Strictness.ALL),
        ("regular", "nobody.invalid:8080", "auto", Strictness.ALL),
        ("transparent", "0.0.0.0:8080", "auto", Strictness.OWN),
        ("transparent", "127.0.0.1:8080", "auto", Strictness.OWN),
        ("wireguard", "127.0.0.1:8080", "auto", Strictness.OWN),
        ("local:curl", "0.0.0.0:8080", "auto", Strictness.NONE),
        ("reverse:http://10.0.0.1", "0.0.0.0:8080", "auto", Strictness.NONE),
        ("regular", "127.0.0.1:8080", "refuse", Strictness.ALL),
        ("transparent", "0.0.0.0:8080", "refuse", Strictness.ALL),
        ("regular", "0.0.0.0:8080", "allow", Strictness.NONE),
    ],
)
def test_strictness_goes_by_who_reaches_a_mode(spec: str, listen: str, private: str, strictness: Strictness) -> None:
    settings = DestinationSettings.model_validate({"private": private})

    def resolve(name: str) -> list[str]:
        raise OSError(name)

    assert strictness_of(spec, listen, settings, resolve) is strictness


@pytest.mark.parametrize(
    ("entry", "word"), [("10.0.0.0/33", "network"), ("10.0.0.1/8", "bits"), ("", "host"), (" a", "host")]
)
def test_an_entry_that_allows_nothing_is_an_error(entry: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        DestinationSettings(allow=(entry,))
