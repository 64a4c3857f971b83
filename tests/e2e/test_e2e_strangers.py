"""A proxy that lets in nobody it does not know: no call, no tunnel, no plain request; and certificates that tell."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google.genai import errors as genai_errors

from tests.e2e.admitting import BODY, CHAT, Desk, code_of
from tests.e2e.certified import ClientCA
from tests.e2e.talking import DIALECTS, Talker, raw, sim, talkers

REQUIRED = {"identity": {"required": True}}
# What a client library raises at a 401.
UNAUTHORISED = (openai.AuthenticationError, anthropic.AuthenticationError, genai_errors.ClientError)


@pytest.fixture(scope="module")
def desk(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A house that lets in who is known; the tenant acme is."""
    folder = tmp_path_factory.mktemp("strangers")
    with house_in(folder, settings=REQUIRED) as house:
        made = Desk(house)
        made.run("tenants", "add", "acme")
        yield made
        assert "crashed" not in house.log


@pytest.fixture
def key(desk: Desk) -> str:
    return desk.key("--tenant", "acme")


@pytest.fixture(scope="module")
def strangers(desk: Desk) -> Iterator[dict[str, Talker]]:
    """A client of each dialect that shows nothing."""
    yield from talkers(desk.house)


@pytest.mark.parametrize("name", [kind.name for kind in DIALECTS])
def test_a_call_of_nobody_is_refused_in_its_own_dialect(
    desk: Desk, strangers: dict[str, Talker], world: Any, trail: Any, name: str
) -> None:
    talker, way = strangers[name], trail()
    with pytest.raises((*UNAUTHORISED, httpx.HTTPStatusError)) as raised:
        talker.say("Who is there?", streamed=False, headers=sim(way))
    told = talker.told(raised.value)
    assert (told.status, told.code) == (401, "midwatch_unknown")
    with desk.client() as web:
        answer, body = raw(web, talker.posting("Who is there?", streamed=True), sim(way))
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (401, "application/json")
    assert b"midwatch_unknown" in body or b"MIDWATCH_UNKNOWN" in body
    assert answer.headers["x-midwatch-request-id"]
    assert [item for item in world.providers.received if item.id == way.id] == []
    assert desk.house.rows(trace_id=way.id) == []


def test_nothing_else_is_relayed_for_nobody(desk: Desk, world: Any) -> None:
    tunnels = world.origin.tunnels
    world.origin.routes["/relay"] = lambda asked: asked.answer(b"relayed")
    with desk.client() as web:
        with pytest.raises(httpx.ProxyError, match="407"):
            web.get("https://private.example/relay")
        answer = web.get("http://plain.example/relay")
        assert answer.status_code == 407
        assert answer.headers["proxy-authenticate"].startswith("Basic")
        # Its tunnel was opened, for a header inside might have said who it is.
        assert web.get("https://api.openai.com/v1/models").status_code == 407
    assert world.origin.tunnels == tunnels


def test_who_shows_a_key_has_all_relayed(desk: Desk, key: str, world: Any) -> None:
    world.origin.routes["/relay"] = lambda asked: asked.answer(b"relayed")
    own = ssl.create_default_context(cafile=str(world.ca_file))
    with desk.client(key, verify=own) as web:  # its own trust: the tunnel is not decrypted
        assert web.get("https://private.example/relay").content == b"relayed"
        assert web.get("http://plain.example/relay").content == b"relayed"
    with desk.client(headers={"x-midwatch-key": key}) as web:
        assert web.post(CHAT, json=BODY).status_code == 200


def test_refusals_are_counted_by_their_reason(desk: Desk, key: str, waiting: Any) -> None:
    def counted(why: str) -> float:
        told = httpx.get(f"{desk.house.console}/metrics", trust_env=False, timeout=60).text
        found = re.search(rf'^midwatch_denied_total\{{why="{why}"\}} (\S+)$', told, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = {why: counted(why) for why in ("unknown", "wrong_key", "revoked_key")}
    desk.revoke(key)
    with desk.client() as web:
        for shown in ({}, {"x-midwatch-key": "mw_aaaaaaaa_" + "x" * 43}, {"x-midwatch-key": key}):
            assert web.post(CHAT, json=BODY, headers=shown).status_code == 401
    for why, count in before.items():
        waiting(lambda why=why, count=count: counted(why) >= count + 1, f"the count of {why}")


@pytest.mark.parametrize("http2", [False, True])
def test_a_client_s_certificate_tells_its_tenant(make_house: Any, tmp_path: Path, trail: Any, http2: bool) -> None:
    """By TLS as clients speak it; a certificate of another authority of the same name tells nothing."""
    ours, forged = ClientCA(tmp_path / "ours"), ClientCA(tmp_path / "forged")
    identity = {"required": True, "client_ca": str(ours.file)}
    house = make_house(identity=identity, tenants={"build": {"certificates": ["CN=build,O=Acme"]}})
    way = trail()
    for authority, name, status in ((ours, "build", 200), (ours, "other", 401), (forged, "build", 401)):
        trust = house.trust()
        trust.load_cert_chain(authority.client(name))
        with house.client(verify=trust, http2=http2) as web:
            assert web.post(CHAT, json=BODY, headers=way.header).status_code == status
    with house.client(http2=http2) as web:
        assert code_of(web.post(CHAT, json=BODY)) == (401, "midwatch_unknown")
    assert house.row(way.id)["tenant"] == "build"


def answer_by_socks(house: Any, name: str, source: str) -> str | None:
    """The first line a client is answered that comes by SOCKS, and trusts everybody."""
    host, port = house.status["listen"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30, source_address=(source, 0)) as sock:
        sock.sendall(b"\x05\x01\x00")
        assert sock.recv(2) == b"\x05\x00"
        sock.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name.encode() + (443).to_bytes(2))
        assert sock.recv(10)[:2] == b"\x05\x00"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with context.wrap_socket(sock, server_hostname=name) as secure:
                secure.sendall(f"GET /relay HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
                return secure.makefile("rb").readline().decode().strip()
        except OSError:
            return None


def test_a_way_in_that_asks_for_no_tunnel_relays_nothing_for_nobody(make_house: Any, world: Any) -> None:
    """SOCKS as a transparent proxy: there is no CONNECT that could be refused."""
    house = make_house("--mode", "socks5", **REQUIRED, tenants={"lab": {"networks": ["127.0.0.2/32"]}})
    world.origin.routes["/relay"] = lambda asked: asked.answer(b"relayed")
    assert answer_by_socks(house, "private.example", "127.0.0.2") == "HTTP/1.1 200 OK"
    assert answer_by_socks(house, "private.example", "127.0.0.1") == "HTTP/1.1 407 Proxy Authentication Required"
