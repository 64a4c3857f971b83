"""A transparent gateway between a client that knows nothing of it and its provider: namespaces, IPv4 and IPv6."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import gateway_udp, gateway_walk
from tests.e2e.corporate_proxy import corporate_proxy
from tests.e2e.gateway_net import CLIENT, GATEWAY, LISTED, NAMES, PROVIDER, STRANGER, Network, missing, network

ROOT = Path(__file__).resolve().parents[2]
CHAT = "/v1/chat/completions"
BODY = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Who goes there?"}]}'
OLLAMA = '{"model":"llama3.2","messages":[{"role":"user","content":"Hi"}],"stream":false}'
BOTH = pytest.mark.parametrize("version", [4, 6], ids=["IPv4", "IPv6"])
TOOLS = pytest.mark.parametrize("tool", ["nft", "iptables"])
# A user who owns nothing: what runs as it is not the proxy.
NOBODY = "65534"
OPENAI = """
import sys, openai
for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    assert name not in __import__("os").environ
client = openai.OpenAI(api_key="sk-test", max_retries=0, default_headers={"traceparent": sys.argv[1]})
chunks = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], stream=True)
print("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The network, the house at the gateway, and a folder for all commands."""

    net: Network
    house: Any
    folder: Path

    def redirect(self, *words: str) -> str:
        return self.net.run("gateway", str(ROOT / "docker" / "gateway" / "redirect"), *words)

    def shell(self, where: str, command: str) -> str:
        """A command line, as the page shows it."""
        environ = {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder)}
        return self.net.run(where, "sh", "-c", command, check=False, cwd=self.folder, env=environ)

    def curl(self, *words: str, where: str = "client", ca: str = "midwatch-ca.pem", uid: str = "0") -> str:
        """What curl says, its errors too."""
        within = ["setpriv", f"--reuid={uid}", "--clear-groups"] if uid != "0" else []
        ask = ["curl", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", ca]
        return self.net.run(where, *within, *ask, *words, check=False, cwd=self.folder)

    def issuer(self, *words: str, **options: Any) -> str:
        """Who signed what the client was shown; nothing where no connection came about."""
        said = self.curl("-v", *words, **options)
        return next((line for line in said.splitlines() if "issuer:" in line), "")

    def call(self, version: int, trail: Any, url: str = f"https://api.openai.com{CHAT}", body: str = BODY) -> str:
        header = f"traceparent: {trail.header['traceparent']}"
        return self.curl(f"-{version}", "-H", header, "-H", "content-type: application/json", "-d", body, url)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, house_in: Any) -> Iterator[Gateway]:
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("gateway")
    folder.parent.chmod(0o755)  # for who is nobody
    folder.chmod(0o755)
    with ExitStack() as stack:
        net = stack.enter_context(network())
        ca_file = stack.enter_context(provider(net, folder))
        settings = {
            "connect_to": {},
            "upstream_ca": str(ca_file),
            "providers": [{"name": "listed", "hosts": list(LISTED.values())}],
            "identity": {"required": True},
            "tenants": {"fleet-v4": {"networks": ["192.168.77.0/24"]}, "fleet-v6": {"networks": ["fd77::/64"]}},
        }
        words = ("--mode", "transparent", "--listen", "[::]:8080", "--workers", "2")
        house = stack.enter_context(house_in(folder / "house", *words, settings=settings, within=net.within("gateway")))
        shutil.copy(house.home.ca_certificate, folder / "midwatch-ca.pem")
        shutil.copy(ca_file, folder / "provider-ca.pem")
        _commands(folder, house)
        yield Gateway(net, house, folder)


@contextmanager
def provider(net: Network, folder: Path) -> Iterator[Path]:
    """The simulated providers on ports 80 and 443 of the provider, and something that answers by UDP; their CA."""
    names = [word for name in (*NAMES, *PROVIDER.values(), *LISTED.values()) for word in ("--name", name)]
    where = ["--host", "0.0.0.0", "--host", "::", "--tls-port", "443", "--http-port", "80"]
    command = [sys.executable, "-m", "midwatch.simulated", *where, *names, "--folder", str(folder / "provider")]
    with running(net, command) as said, running(net, [sys.executable, gateway_udp.__file__, "serve"]):
        yield Path(json.loads(said)["ca_file"])


@contextmanager
def running(net: Network, command: list[str]) -> Iterator[str]:
    """A process at the provider; its first line."""
    process = subprocess.Popen(
        [*net.within("provider"), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def _commands(folder: Path, house: Any) -> None:
    """What the page's commands find: the script, and ours under one name."""
    shutil.copy(gateway_udp.__file__, folder)
    (folder / "body.json").write_text(BODY)
    (folder / "redirect").symlink_to(ROOT / "docker" / "gateway" / "redirect")
    run = f'exec {sys.executable} {ROOT / "run.py"} "$@" --home {house.home.root}\n'
    for name, text in (("midwatch", run), ("python", f'exec {sys.executable} "$@"\n')):
        (folder / name).write_text(f"#!/bin/sh\n{text}")
        (folder / name).chmod(0o755)


@pytest.fixture
def rules(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """The gateway with rules for what comes from the client's side: by nft, or by the tool that a test names."""
    tool = request.node.callspec.params.get("tool", "nft") if hasattr(request.node, "callspec") else "nft"
    gateway.redirect("up", "--interface", "inside", "--with", tool)
    yield gateway
    gateway.redirect("down")


@TOOLS
@BOTH
def test_a_provider_is_decrypted_and_the_network_tells_the_tenant(
    rules: Gateway, tool: str, version: int, trail: Any
) -> None:
    way = trail()
    assert json.loads(rules.call(version, way))["object"] == "chat.completion"
    row = rules.house.row(way.id)
    assert (row["provider"], row["host"], row["status"]) == ("openai", "api.openai.com", 200)
    assert (row["tenant"], row["client"]) == (f"fleet-v{version}", CLIENT[version])


def test_a_stream_of_an_sdk_that_knows_of_no_proxy(rules: Gateway, trail: Any) -> None:
    way = trail()
    environ = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(rules.folder / "midwatch-ca.pem")}
    said = rules.net.run(
        "client", sys.executable, "-c", OPENAI, way.header["traceparent"], cwd=rules.folder, env=environ
    )
    assert said.strip()
    row = rules.house.row(way.id)
    assert (row["streamed"], row["finish_reason"]) == (True, "stop")


@BOTH
def test_a_host_outside_the_catalogue_passes_unread(rules: Gateway, version: int) -> None:
    assert "simulated" in rules.issuer(f"-{version}", "https://private.example/", ca="provider-ca.pem")
    assert "Midwatch CA" in rules.issuer(f"-{version}", "https://api.openai.com/")


@BOTH
def test_an_address_without_a_name_passes_unread_unless_it_is_listed(rules: Gateway, version: int, trail: Any) -> None:
    way, bare, listed = trail(), at(PROVIDER[version]), at(LISTED[version])
    assert "simulated" in rules.issuer(f"https://{bare}/", ca="provider-ca.pem")
    assert json.loads(rules.call(version, way, f"https://{listed}{CHAT}"))["object"] == "chat.completion"
    row = rules.house.row(way.id)
    assert (row["provider"], row["host"]) == ("listed", LISTED[version])


@BOTH
def test_plain_http_is_read(rules: Gateway, version: int, trail: Any) -> None:
    way = trail()
    assert json.loads(rules.call(version, way, "http://ollama.example/api/chat", OLLAMA))["done"] is True
    assert rules.house.row(way.id)["host"] == "ollama.example"


@BOTH
def test_http3_is_refused_at_once_and_only_while_the_rules_are_there(gateway: Gateway, version: int) -> None:
    ask = (sys.executable, gateway_udp.__file__, "ask", PROVIDER[version])
    assert gateway.net.run("client", *ask).strip() == "answered"
    for tool in ("nft", "iptables"):
        gateway.redirect("up", "--with", tool)
        assert gateway.net.run("client", *ask).strip() == "refused at once"
        gateway.redirect("down")
        assert gateway.net.run("client", *ask).strip() == "answered"


@BOTH
def test_who_belongs_to_no_tenant_gets_nothing(rules: Gateway, version: int) -> None:
    words = (f"-{version}", "--interface", STRANGER[version])
    assert "simulated" not in rules.issuer(*words, "https://private.example/", ca="provider-ca.pem")
    assert "midwatch_unknown" in rules.curl(*words, "-d", BODY, f"https://api.openai.com{CHAT}")
    assert "Midwatch" in rules.curl(*words, "http://ollama.example/")


@BOTH
def test_excepted_networks_and_the_gateways_own_addresses_are_left_alone(gateway: Gateway, version: int) -> None:
    gateway.redirect("up", "--except", "20.0.2.0/24", "--except", "2600:db8::/64")
    try:
        assert "simulated" in gateway.issuer(f"-{version}", "https://api.openai.com/", ca="provider-ca.pem")
        assert "Failed to connect" in gateway.curl(f"https://{at(GATEWAY[version])}/")
        assert "Empty reply" in gateway.curl(f"http://{at(GATEWAY[version])}:8080/")  # it does not connect to itself
    finally:
        gateway.redirect("down")


@TOOLS
@BOTH
def test_what_the_machine_itself_sends_is_led_in_but_for_the_proxys_own(
    gateway: Gateway, tool: str, version: int
) -> None:
    resolve = ("--resolve", f"api.openai.com:443:{at(PROVIDER[version])}")
    gateway.redirect("up", "--local", "--user", str(os.getuid()), "--with", tool)
    try:
        ask = (f"-{version}", *resolve, "https://api.openai.com/")
        assert "Midwatch CA" in gateway.issuer(*ask, where="gateway", uid=NOBODY)
        assert "simulated" in gateway.issuer(*ask, where="gateway", ca="provider-ca.pem")
        gateway.redirect("up", "--local", "--user", NOBODY, "--with", tool)
        knock = (sys.executable, gateway_udp.__file__, "ask", PROVIDER[version])
        assert gateway.net.run("gateway", *knock).strip() == "refused at once"
    finally:
        gateway.redirect("down")


def test_rules_that_forget_the_proxy_itself_make_no_loop(gateway: Gateway, trail: Any) -> None:
    way = trail()
    gateway.redirect("up", "--local", "--user", "4242")
    try:
        assert gateway.issuer("-4", "--max-time", "3", "https://private.example/", ca="provider-ca.pem") == ""
        counted = json.loads(gateway.net.run("gateway", "nft", "-j", "list", "table", "inet", "midwatch_gateway"))
    finally:
        gateway.redirect("down")
    assert sum(counter["packets"] for counter in counters(counted)) == 2  # the client's connection, ours, and no more
    gateway.redirect("up")
    assert json.loads(gateway.call(4, way))["object"] == "chat.completion"
    gateway.redirect("down")


def counters(found: Any) -> Iterator[dict[str, int]]:
    """All counters of a listing in JSON."""
    if isinstance(found, dict):
        if "counter" in found:
            yield found["counter"]
        for value in found.values():
            yield from counters(value)
    elif isinstance(found, list):
        for value in found:
            yield from counters(value)


def test_each_of_two_workers_serves_the_transparent_port(
    gateway: Gateway, trail: Any, living: Callable[[str], list[str]]
) -> None:
    lines = [line for line in living(str(gateway.house.home.root)) if "midwatch.proxy.worker" in line]
    workers = [int(line.split()[0]) for line in lines]
    assert len(workers) == 2
    gateway.redirect("up")
    try:
        for held in workers:
            way = trail()
            os.kill(held, signal.SIGSTOP)  # what waits at the socket they share is the other one's to take
            try:
                assert json.loads(gateway.call(4, way))["object"] == "chat.completion"
            finally:
                os.kill(held, signal.SIGCONT)
            assert gateway.house.row(way.id)["status"] == 200
    finally:
        gateway.redirect("down")


def test_the_walk_of_the_page(gateway: Gateway) -> None:
    transcript = gateway_walk.walked(gateway_walk.WALK, lambda step: gateway.shell(step.where, step.command))
    if "GATEWAY_TRANSCRIPT" in os.environ:
        gateway_walk.write(transcript)
    assert gateway_walk.shown() == [step.line for step in gateway_walk.WALK]


def test_behind_a_companys_proxy_servers_are_asked_for_by_name(gateway: Gateway, trail: Any, waiting: Any) -> None:
    """Last, for it changes the settings."""
    one, two = trail(), trail()
    names = dict.fromkeys(("api.openai.com", "private.example"), ("127.0.0.1", 443))
    names["ollama.example"] = ("127.0.0.1", 80)
    settings = yaml.safe_load(gateway.house.config_file.read_text())
    within = gateway.net.within("provider")
    with corporate_proxy(gateway.folder / "office", names, "office:word", host="0.0.0.0", within=within) as office:
        # Written down here, for it is no secret, and the house is running: no variable can be given to it any more.
        (gateway.folder / "word").write_text("word")
        url = f"http://office:${{file:{gateway.folder / 'word'}}}@{PROVIDER[4]}:{office.port}"
        gateway.house.config_file.write_text(yaml.safe_dump(settings | {"upstream": {"proxy": url}}))
        assert gateway.house.ask({"op": "reload"})["problems"] == []
        gateway.redirect("up")
        try:
            waiting(lambda: gateway.call(4, trail()) and office.asked(), "calls by the office's proxy")
            assert json.loads(gateway.call(6, one))["object"] == "chat.completion"
            assert "simulated" in gateway.issuer("-4", "https://private.example/", ca="provider-ca.pem")
            assert json.loads(gateway.call(4, two, "http://ollama.example/api/chat", OLLAMA))["done"] is True
        finally:
            gateway.redirect("down")
        assert {target for _, target in office.asked()} == {
            "api.openai.com:443",
            "private.example:443",
            "http://ollama.example/api/chat",
        }
    assert [gateway.house.row(way.id)["host"] for way in (one, two)] == ["api.openai.com", "ollama.example"]


def at(address: str) -> str:
    """An address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address
