"""Behind a company's forward proxy that asks for credentials, and before a provider that asks for a certificate."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.certified import ClientCA
from tests.e2e.corporate_proxy import CorporateProxy, corporate_proxy

PASSWORD = "p%40ss@w/rd planted-77"  # a colon in it is what mitmproxy, as a server, does not take
MTLS = "mtls.acme.example"
CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}


@dataclass(frozen=True, slots=True)
class Behind:
    """A house behind a proxy."""

    house: Any
    proxy: CorporateProxy
    world: Any


@pytest.fixture(scope="module")
def behind(world: Any, house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("upstream")
    clients = ClientCA(folder / "clients")
    certificate = clients.client("midwatch")
    certificate.chmod(0o600)
    tls, plain = ("127.0.0.1", world.providers.tls_port), ("127.0.0.1", world.providers.http_port)
    with demanding(folder / "demanding", clients.file) as (port, ca_file):
        names = {"api.openai.com": tls, "sim.example": tls, "ollama.lan": plain, MTLS: ("127.0.0.1", port)}
        authorities = folder / "authorities.pem"
        with corporate_proxy(folder / "proxy", names, f"office:{PASSWORD}") as proxy:
            authorities.write_bytes(b"".join(file.read_bytes() for file in (world.ca_file, ca_file, proxy.ca_file)))
            settings = {
                "connect_to": {},
                "upstream_ca": str(authorities),
                "providers": [{"name": "acme", "hosts": [MTLS, f"localhost:{world.providers.tls_port}"]}],
                "upstream": {
                    "proxy": f"http://office:${{OFFICE_PASSWORD}}@127.0.0.1:{proxy.port}",
                    "client_certificates": {MTLS: str(certificate)},
                },
            }
            environ = {"OFFICE_PASSWORD": PASSWORD}
            with house_in(folder / "house", settings=settings, environ=environ) as house:
                yield Behind(house, proxy, world)


@contextmanager
def demanding(folder: Path, clients: Path) -> Iterator[tuple[int, Path]]:
    """A provider that speaks to nobody without a certificate of `clients`: its port, and the CA of its own."""
    words = ["--folder", str(folder), "--client-ca", str(clients), "--name", MTLS]
    with subprocess.Popen(
        [sys.executable, "-m", "midwatch.simulated", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield said["tls_port"], Path(said["ca_file"])
        process.terminate()


def test_a_call_goes_through_a_tunnel_with_credentials(behind: Behind, trail: Any) -> None:
    ways = [trail(), trail()]
    with behind.house.client() as web:
        for way in ways:
            assert web.post(f"https://api.openai.com{CHAT}", json=BODY, headers=way.header).status_code == 200
    assert [behind.house.row(way.id)["status"] for way in ways] == [200, 200]
    assert behind.proxy.asked() == [("CONNECT", "api.openai.com:443")]


def test_a_plain_call_is_asked_for_in_absolute_form(behind: Behind, trail: Any) -> None:
    ways = [trail() for _ in range(7)]  # more than mitmproxy opens connections to one server
    ollama = {"model": "llama3.2", "messages": BODY["messages"], "stream": False}
    with behind.house.client() as web:
        for way in ways:
            answer = web.post("http://ollama.lan:11434/api/chat", json=ollama, headers=way.header)
            assert answer.json()["done"] is True
    assert {(behind.house.row(way.id)["host"], behind.house.row(way.id)["provider"]) for way in ways} == {
        ("ollama.lan", "ollama")
    }
    assert behind.house.whole(ways[0].id)["endpoint"]["port"] == 11434
    assert behind.proxy.asked().count(("POST", "http://ollama.lan:11434/api/chat")) == len(ways)
    assert ("CONNECT", "ollama.lan:11434") not in behind.proxy.asked()


def test_a_tunnel_that_is_not_decrypted_goes_through_one_too(behind: Behind, trail: Any) -> None:
    way = trail()
    with behind.house.client(verify=ssl.create_default_context(cafile=str(behind.world.ca_file))) as web:
        assert web.post(f"https://sim.example{CHAT}", json=BODY, headers=way.header).status_code == 200
    assert behind.house.rows(trace_id=way.id) == []
    assert ("CONNECT", "sim.example:443") in behind.proxy.asked()


def test_loopback_is_reached_directly(behind: Behind, trail: Any) -> None:
    one, two = trail(), trail()
    tls, plain = behind.world.providers.tls_port, behind.world.providers.http_port
    with behind.house.client() as web:
        assert web.post(f"https://localhost:{tls}{CHAT}", json=BODY, headers=one.header).status_code == 200
        assert web.post(f"http://127.0.0.1:{plain}{CHAT}", json=BODY, headers=two.header).status_code == 200
    assert [behind.house.row(way.id)["status"] for way in (one, two)] == [200, 200]
    assert not [target for _, target in behind.proxy.asked() if "localhost" in target or "127.0.0.1" in target]


def test_a_provider_that_asks_for_a_certificate_gets_ours(behind: Behind, trail: Any) -> None:
    way = trail()
    with behind.house.client() as web:
        assert web.post(f"https://{MTLS}{CHAT}", json=BODY, headers=way.header).status_code == 200
    assert behind.house.row(way.id)["provider"] == "acme"
    assert ("CONNECT", f"{MTLS}:443") in behind.proxy.asked()


def test_what_the_proxy_refuses_is_a_bad_gateway_that_says_so(behind: Behind) -> None:
    with behind.house.client() as web:
        assert web.post(f"https://api.anthropic.com{CHAT}", json=BODY).status_code == 502
        assert web.get("http://nowhere.example/").status_code == 502


def test_it_does_not_reach_itself_by_the_proxy(behind: Behind) -> None:
    proxy = httpx.URL(behind.house.proxy)
    with behind.house.client() as web:
        answer = web.get(f"http://127.0.0.1:{proxy.port}/")
    assert answer.status_code == 502
    assert "itself" in answer.text


def test_the_password_is_in_no_log_and_no_file(behind: Behind) -> None:
    assert PASSWORD not in behind.house.log
    files = [file for file in behind.house.home.root.rglob("*") if file.is_file()]
    assert [file for file in files if PASSWORD.encode() in file.read_bytes()] == []


def test_a_reload_takes_another_way(behind: Behind, waiting: Any) -> None:
    """Last, for it changes the settings: the proxy by TLS first, then none."""
    settings = yaml.safe_load(behind.house.config_file.read_text())

    def follow(**changed: Any) -> None:
        behind.house.config_file.write_text(yaml.safe_dump(settings | changed))
        assert behind.house.ask({"op": "reload"})["problems"] == []

    def call() -> int:
        """How much is asked of the proxy for one call."""
        before = len(behind.proxy.asked())
        with behind.house.client() as web:
            assert web.post(f"https://api.openai.com{CHAT}", json=BODY).status_code == 200
        return len(behind.proxy.asked()) - before

    follow(upstream={"proxy": f"https://office:${{OFFICE_PASSWORD}}@localhost:{behind.proxy.port}"})
    waiting(lambda: call() and "api.openai.com:443" in behind.proxy.asked_by_tls(), "calls by TLS")
    follow(upstream={}, connect_to={"api.openai.com": f"127.0.0.1:{behind.world.providers.tls_port}"})
    waiting(lambda: call() == 0, "calls to go directly")
