"""Whose a call is, through the front door: by key, network, provider's key and label; and nothing of it goes on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.admitting import BODY, CHAT, Desk, name_of, proxy_of

OURS = {"X-Midwatch-Agent": "planner", "x-midwatch-user": "ann", "X-MIDWATCH-Tenant": "lab", "x-midwatch-x": "y"}
PROVIDER_KEY = "sk-e2e"
MESSAGE: Any = {"role": "user", "content": "Who is there?"}


@pytest.fixture(scope="module")
def desk(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A house that asks nobody for a key, with two tenants made while it runs: lab has the network 127.0.0.2."""
    with house_in(tmp_path_factory.mktemp("access")) as house:
        made = Desk(house)
        made.run("tenants", "add", "acme", "--title", "Acme")
        made.run("tenants", "add", "lab", "--network", "127.0.0.2/32")
        yield made
        assert "crashed" not in house.log


@pytest.fixture(scope="module")
def key(desk: Desk) -> str:
    return desk.key("--role", "client", "--tenant", "acme")


def ask_openai(headers: dict[str, str]) -> None:
    with openai.OpenAI(api_key=PROVIDER_KEY, max_retries=0) as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=[MESSAGE], extra_headers=headers)


def ask_anthropic(headers: dict[str, str]) -> None:
    with anthropic.Anthropic(api_key=PROVIDER_KEY, max_retries=0) as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=50, messages=[MESSAGE], extra_headers=headers)


SDKS = [pytest.param(ask_openai, openai, id="openai"), pytest.param(ask_anthropic, anthropic, id="anthropic")]


@pytest.fixture
def as_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives this process the proxy variables of a program whose proxy's address has a key in it."""

    def give(key: str) -> None:
        for name, value in desk.house.environment().items():
            monkeypatch.setenv(name, value)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy_of(desk.house, key, "mail-robot"))

    return give


def received(world: Any, way: Any) -> Any:
    """The one request of a trace, as the provider has it."""
    (found,) = [item for item in world.providers.received if item.id == way.id]
    return found


def of_ours(world: Any, way: Any) -> list[str]:
    """Names of headers at the provider that were for us alone."""
    names = [name.lower() for name, _ in received(world, way).headers]
    return [name for name in names if name.startswith(("x-midwatch", "proxy-"))]


@pytest.mark.parametrize(("ask", "library"), SDKS)
def test_a_key_in_the_proxy_s_address_makes_an_sdk_s_calls_the_tenant_s(
    desk: Desk, key: str, world: Any, trail: Any, as_environment: Callable[[str], None], ask: Any, library: Any
) -> None:
    way = trail()
    as_environment(key)
    ask({**way.header, "x-sim-id": way.id, **OURS})
    (row,) = [row for row in desk.rows("traces", "--tenant", "acme") if row["trace_id"] == way.id]
    assert (row["tenant"], row["key_id"], row["app"]) == ("acme", name_of(key), "mail-robot")
    assert (row["agent"], row["user"]) == ("planner", "ann")
    assert of_ours(world, way) == []
    given = {"authorization": f"Bearer {PROVIDER_KEY}", "x-api-key": PROVIDER_KEY}
    assert given.items() & {(name.lower(), value) for name, value in received(world, way).headers}


@pytest.mark.parametrize("http2", [False, True])
def test_a_key_in_our_header_does_the_same(desk: Desk, key: str, world: Any, trail: Any, http2: bool) -> None:
    way = trail()
    with desk.client(http2=http2, headers={"X-Midwatch-Key": key}) as web:
        assert web.post(CHAT, json=BODY, headers={**way.header, "x-sim-id": way.id, **OURS}).status_code == 200
    row = desk.house.row(way.id)
    assert (row["tenant"], row["key_id"], row["agent"]) == ("acme", name_of(key), "planner")
    assert of_ours(world, way) == []
    learned = desk.house.whole(way.id)["identity"]["learned_from"]
    assert (learned["tenant"], learned["agent"], learned["client"]) == ("header", "header", "connection")


@pytest.mark.parametrize("http2", [False, True])
def test_headers_alone_make_a_call_nobody_s(desk: Desk, world: Any, trail: Any, http2: bool) -> None:
    way = trail()
    with desk.client(http2=http2) as web:
        web.post(CHAT, json=BODY, headers={**way.header, "x-sim-id": way.id, **OURS})
    row = desk.house.row(way.id)
    assert (row["tenant"], row["key_id"], row["agent"], row["user"]) == ("default", None, "planner", "ann")
    assert of_ours(world, way) == []


def call_from_network(desk: Desk, key: str | None, traceparent: str) -> None:
    """A call of a client in lab's network."""
    proxy = proxy_of(desk.house, key) if key else desk.house.proxy
    where = ("--interface", "127.0.0.2", "--proxy", proxy, "--cacert", str(desk.house.home.ca_certificate))
    what = ("--header", f"traceparent: {traceparent}", "--data", json.dumps(BODY), "--output", os.devnull)
    subprocess.run(["curl", "--silent", "--show-error", "--fail", *where, *what, CHAT], check=True, timeout=60)


def test_a_client_s_network_tells_the_tenant_and_a_key_tells_it_first(desk: Desk, key: str, trail: Any) -> None:
    for shown, tenant in ((None, "lab"), (key, "acme")):
        way = trail()
        call_from_network(desk, shown, way.header["traceparent"])
        row = desk.house.row(way.id)
        assert (row["tenant"], row["client"]) == (tenant, "127.0.0.2")


def test_a_provider_s_key_tells_the_tenant_by_its_fingerprint(desk: Desk, world: Any, trail: Any) -> None:
    print_of_key = desk.run("tenants", "fingerprint", input="sk-of-byok-77\n").strip()
    assert len(bytes.fromhex(print_of_key)) == 8
    desk.run("tenants", "add", "byok", "--provider-key", print_of_key)
    for header, tenant in (("Bearer sk-of-byok-77", "byok"), ("Bearer sk-of-byok-78", "default")):
        way = trail()
        with desk.client(headers={"authorization": header}) as web:
            web.post(CHAT, json=BODY, headers={**way.header, "x-sim-id": way.id})
        assert desk.house.row(way.id)["tenant"] == tenant
        assert received(world, way).header("authorization") == header


@pytest.mark.parametrize(("ask", "library"), SDKS)
def test_a_wrong_key_opens_no_tunnel_and_is_no_reason_to_go_on_without_one(
    desk: Desk, key: str, world: Any, trail: Any, as_environment: Callable[[str], None], ask: Any, library: Any
) -> None:
    """Also where no key is asked for: who shows one wants to be known by it."""
    as_environment(key[:-1] + "!")
    with pytest.raises(library.APIConnectionError) as raised:
        ask({})
    assert "407" in str(raised.value.__cause__)
    as_environment(key)
    way = trail()
    with pytest.raises(library.AuthenticationError) as refused:
        ask({**way.header, "x-sim-id": way.id, "x-midwatch-key": key[:-1]})
    assert refused.value.status_code == 401
    assert "midwatch_wrong_key" in str(refused.value.body)
    assert [item for item in world.providers.received if item.id == way.id] == []


def test_exec_shows_the_key_in_midwatch_key_and_its_command_does_not_see_it(desk: Desk, key: str, trail: Any) -> None:
    way = trail()
    asked = f"curl -sS --fail-with-body {CHAT} -H 'traceparent: {way.header['traceparent']}' -d '{{}}' -o /dev/null"
    told = desk.run(
        *("exec", "--app", "nightly", "--", "sh", "-c", f'{asked}; echo "[$MIDWATCH_KEY]"'),
        env={**desk.house.environ, "MIDWATCH_KEY": key},
    )
    assert told.strip() == "[]"
    row = desk.house.row(way.id)
    assert (row["tenant"], row["key_id"], row["app"]) == ("acme", name_of(key), "nightly")


def test_commands_that_name_a_tenant_show_its_calls_and_no_others(desk: Desk, key: str, trail: Any) -> None:
    with desk.client(key) as web, desk.client() as other:
        for client in (web, other):
            client.post(CHAT, json=BODY, headers=trail().header)
    for tenant in ("acme", "default"):
        assert {row["tenant"] for row in desk.rows("traces", "--tenant", tenant)} == {tenant}
        assert {row["tenant"] for row in desk.rows("costs", "--by", "tenant", "--tenant", tenant)} == {tenant}
        asked = desk.house.ask({"op": "exchanges", "filter": {"tenant": tenant}})
        assert {row["tenant"] for row in asked["rows"]} == {tenant}
    assert desk.rows("traces", "--tenant", "nobody") == []
    assert {row["tenant"] for row in desk.rows("audit", "list", "--tenant", "acme")} == {"acme"}
    assert desk.rows("findings", "--tenant", "nobody") == []


def test_the_audit_log_has_who_made_what_and_holds(desk: Desk, key: str) -> None:
    told = {(row["action"], row["subject"], row["tenant"]) for row in desk.rows("audit")}
    assert {("tenant.add", "lab", "lab"), ("key.create", name_of(key), "acme")} <= told
    assert "hold" in desk.run("audit", "verify")


@pytest.mark.parametrize("words", [("--listen", "0.0.0.0:0"), ("--listen", "[::]:0"), ("--mode", "socks5@0.0.0.0:0")])
def test_the_proxy_does_not_start_as_an_open_relay(
    front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path, words: tuple[str, str]
) -> None:
    command = [*front_door, "--home", str(tmp_path / "home"), "--console", "127.0.0.1:0", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=bare_environment, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words[0] in line
    assert "127.0.0.1" in line


def test_no_command_printed_a_key(desk: Desk, key: str) -> None:
    everything = "\n".join([*desk.printed, desk.house.log])
    assert name_of(key) in everything
    assert key not in everything
    assert "sk-of-byok" not in everything
