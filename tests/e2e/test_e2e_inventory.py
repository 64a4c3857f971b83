"""The inventory, and clients that refuse our certificate: through the real proxy, with two workers."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.admitting import BODY, CHAT

NODE = shutil.which("node")
SHADOW = {"name": "shadow_chat", "title": "Shadow Chat", "hosts": ["private.example"]}
# A program of its own, set up as httpx is here, which trusts the CA that it is given.
PROGRAM = """
import ssl, sys, httpx
proxy, ca, url = sys.argv[1:]
with httpx.Client(proxy=proxy, verify=ssl.create_default_context(cafile=ca), timeout=60) as web:
    print(web.post(url, json={"model": "gpt-4o-mini", "messages": []}, headers={"user-agent": "twin/1"}).status_code)
"""

# What a program on Node.js does: it looks at the certificate after the handshake, and leaves without a word.
NODE_PROGRAM = """
const [host, port, ca] = process.argv.slice(1);
const tunnel = require('http').request({ host, port, method: 'CONNECT', path: 'api.openai.com:443' });
tunnel.on('connect', (_, socket) => {
  const secure = require('tls').connect({ socket, servername: 'api.openai.com', ca: require('fs').readFileSync(ca) });
  secure.on('error', error => { console.log(error.code); process.exit(); });
  secure.on('secureConnect', () => { console.log('connected'); process.exit(); });
});
tunnel.end();
"""


@pytest.fixture(scope="module")
def inventoried(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A house with two workers, and a service that it knows by name alone."""
    folder = tmp_path_factory.mktemp("inventory")
    with house_in(folder, "--workers", "2", settings={"inventory": {"hosts": [SHADOW]}}) as house:
        yield house
        assert "crashed" not in house.log


def own_trust(world: Any) -> ssl.SSLContext:
    """Trust in the providers' real authorities, and in nobody between."""
    return ssl.create_default_context(cafile=str(world.ca_file))


def seen(house: Any, host: str, **wanted: Any) -> list[dict[str, Any]]:
    """Lines of the inventory, as control has them by now."""
    rows = house.ask({"op": "hosts"})["rows"]
    return [row for row in rows if row["host"] == host and all(row[key] == value for key, value in wanted.items())]


def call(house: Any, trust: ssl.SSLContext) -> int | None:
    """The status of a call on a connection of its own; None where the client refused our certificate."""
    try:
        with house.client(verify=trust) as web:
            return int(web.post(CHAT, json=BODY, headers={"user-agent": "pinned/1"}).status_code)
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise
        return None


def test_a_pinned_client_works_on_its_second_try_and_only_it_is_unread(
    inventoried: Any, world: Any, trail: Any, waiting: Any, tmp_path: Any
) -> None:
    house, trust = inventoried, own_trust(world)
    assert call(house, trust) is None
    waiting(lambda: "refused our certificate for api.openai.com" in house.log, "the log to say so")
    # One worker knows at once, the other when control has told it.
    waiting(lambda: all(call(house, trust) == 200 for _ in range(8)), "both workers to let it pass")
    line = waiting(lambda: next(iter(seen(house, "api.openai.com", seen="pinned")), None), "the line of the inventory")
    assert (line["calls"], line["user_agent"], line["known"], line["provider"]) == (0, None, True, "openai")
    assert line["connections"] >= 1
    waiting(lambda: bool(seen(house, "api.openai.com", seen="refused")), "the line of its first try")

    # Another program there, with other TLS settings: it is read.
    way, other = trail(), house.trust()
    other.set_ciphers("ECDHE+AESGCM")
    with house.client(verify=other) as web:
        assert web.post(CHAT, json=BODY, headers=way.header).status_code == 200
    assert house.row(way.id)["status"] == 200

    # And one with the very same: it is told by its process.
    program = tmp_path / "twin.py"
    program.write_text(PROGRAM)
    words = [sys.executable, str(program), house.proxy, str(house.home.ca_certificate), CHAT]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=house.environ)
    assert done.stdout.strip() == "200"
    twin = waiting(lambda: next(iter(seen(house, "api.openai.com", app="twin")), None), "the twin's line")
    assert (twin["seen"], twin["calls"]) == ("decrypted", 1)
    assert twin["process"].endswith("twin.py")


def test_doctor_lists_what_is_pinned_and_unpin_forgets_it(inventoried: Any, world: Any, waiting: Any) -> None:
    house, trust = inventoried, own_trust(world)
    waiting(lambda: call(house, trust) == 200, "the client to be pinned")
    waiting(house.home.pinned.exists, "the file of pinned clients")
    told = house.run("doctor")
    assert "pinned api.openai.com" in told.stdout
    assert "hosts unpin" in told.stdout
    assert "1 forgotten" in house.run("hosts", "unpin", "api.openai.com").stdout
    waiting(lambda: call(house, trust) is None, "the client to be asked again")


@pytest.mark.skipif(NODE is None, reason="Node.js is needed: install nodejs")
def test_a_client_that_looks_only_after_the_handshake_works_once_it_is_known(
    inventoried: Any, world: Any, waiting: Any
) -> None:
    house = inventoried
    host, port = house.status["listen"].rsplit(":", 1)

    def connect() -> str:
        words = [str(NODE), "-e", NODE_PROGRAM, host, port, str(world.ca_file)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=house.environ)
        return done.stdout.strip()

    assert connect() == "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
    waiting(lambda: connect() == "connected", "it to pass unread")
    waiting(lambda: bool(seen(house, "api.openai.com", seen="pinned", process="node")), "its line of the inventory")


def test_an_app_without_any_ca_works_and_is_counted_by_its_name(inventoried: Any, world: Any, waiting: Any) -> None:
    house = inventoried
    world.origin.routes["/chat"] = lambda asked: asked.answer(b"hello")
    world.origin.routes["/elsewhere"] = lambda asked: asked.answer(b"hello")
    proxy = house.proxy.replace("http://", "http://browser@", 1)
    with house.client(verify=own_trust(world), proxy=proxy) as web:
        assert web.get("https://private.example/chat").content == b"hello"
        assert web.get("http://plain.example/elsewhere").content == b"hello"
    waiting(lambda: bool(seen(house, "private.example")), "the line of the inventory")
    printed = house.run("hosts", "--json", "--unknown")
    assert printed.returncode == 0, printed.stderr
    (row,) = [json.loads(line) for line in printed.stdout.splitlines()]
    assert (row["host"], row["title"], row["seen"], row["known"]) == ("private.example", "Shadow Chat", "sni", False)
    assert (row["connections"], row["calls"], row["app"], row["provider"]) == (1, 0, "browser", None)
    assert not seen(house, "plain.example")
    shown = house.run("hosts").stdout
    assert "private.example *" in shown
    assert "only the name is known" in shown
    page = httpx.get(f"{house.console}/hosts", trust_env=False, timeout=60)
    assert "Shadow Chat" in page.text
