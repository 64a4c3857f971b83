"""Keys and passwords are nowhere: not in a file of the home, the store, the log, nor in what anybody is told."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.access.keys import new_key
from tests.e2e.admitting import BODY, CHAT, Desk, name_of, proxy_of
from tests.e2e.matrix import ENTRANCES
from tests.e2e.planted import forms, stored

CACHE_PASSWORD = "planted-cache-password-5d0b"
# What a house is given by reference, and shows to services that are not there: their libraries complain of it.
GIVEN = {
    "E2E_CACHE": CACHE_PASSWORD,
    "E2E_SCRAPE": "planted-scrape-token-9c2e",
    "E2E_ENCRYPTION": base64.b64encode(b"planted-encryption-key-of-32-byt").decode(),
    "E2E_SLACK": "http://127.0.0.1:1/services/planted-slack-path-6e71",
    "E2E_HOOK": "planted-signing-secret-of-the-webhook-40b8",
    "E2E_HOOK_TOKEN": "planted-webhook-token-2f93",
    "E2E_PAGER": "planted0routing0key0of0pagerduty",
    "E2E_MAIL": "planted-mail-password-b1a5",
    "E2E_SIEM": "planted-siem-token-c8d0",
    "E2E_OTLP": "planted-otlp-token-e5f2",
}
NOBODY = "http://127.0.0.1:1"
CHANNELS = [
    {"name": "slack", "kind": "slack", "webhook_url": "${E2E_SLACK}"},
    {
        "name": "hook",
        "kind": "webhook",
        "url": f"{NOBODY}/hook",
        "secret": "${E2E_HOOK}",
        "headers": {"Authorization": "Bearer ${E2E_HOOK_TOKEN}"},
    },
    {"name": "pager", "kind": "pagerduty", "routing_key": "${E2E_PAGER}", "base_url": NOBODY},
    {
        "name": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "port": 1,
        "username": "midwatch",
        "password": "${E2E_MAIL}",
        "sender": "midwatch@example.org",
        "to": ["ops@example.org"],
    },
]
SETTINGS = {
    "access": {"console": "always", "admin_key": "${E2E_ADMIN}"},
    "storage": {
        "cache": "redis://planted:${E2E_CACHE}@127.0.0.1:1/0",
        "encryption": {"key": "${E2E_ENCRYPTION}"},
    },
    "web": {"scrape_token": "${E2E_SCRAPE}"},
    "alerts": {"channels": CHANNELS, "routes": [{"channels": ["slack", "hook", "pager", "mail"]}]},
    "compliance": {
        "siem": [{"kind": "http", "url": f"{NOBODY}/siem", "headers": {"Authorization": "Bearer ${E2E_SIEM}"}}]
    },
    "otel": {"export": {"endpoint": NOBODY, "headers": {"authorization": "Bearer ${E2E_OTLP}"}, "interval_s": 1}},
}
# Tails: they end when the house does.
ENDLESS = {"/live", "/api/v1/live"}
PROVIDER_KEYS = ("sk-planted-of-openai-31c9", "sk-planted-of-byok-77e4")


@dataclass(slots=True)
class Told:
    """All that a house said to anybody, and the secrets it was given or made."""

    desk: Desk
    secrets: dict[str, str]
    faces: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def told(house_in: Any, waiting: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A house that logs all it can, whose cache is away, after a life with keys in every place they may stand."""
    admin = new_key().text
    environ = {"MIDWATCH_LOG_LEVEL": "DEBUG", "E2E_ADMIN": admin, **GIVEN}
    with house_in(tmp_path_factory.mktemp("planted"), settings=SETTINGS, environ=environ) as house:
        told = Told(desk=Desk(house), secrets={"admin key": admin, **GIVEN})
        live(told)
        house.process.send_signal(signal.SIGHUP)
        waiting(lambda: "reloaded" in house.log, "the reload")
        look(told, admin)
        yield told


def live(told: Told) -> None:
    """Tenants and keys come and go, and are used: well, wrongly and too late."""
    desk, secrets = told.desk, told.secrets
    secrets |= {f"provider key {number}": text for number, text in enumerate(PROVIDER_KEYS)}
    desk.run(
        "tenants", "add", "acme", "--provider-key", desk.run("tenants", "fingerprint", input=PROVIDER_KEYS[1]).strip()
    )
    key = secrets["client key"] = desk.key("--tenant", "acme")
    secrets["rotated key"] = desk.run("keys", "rotate", name_of(key)).strip()
    ended = secrets["revoked key"] = desk.key("--tenant", "acme", "--label", "passing")
    desk.revoke(ended)
    mistyped = secrets["mistyped key"] = key[:-5] + "wrong"
    for provider_key in PROVIDER_KEYS:
        headers = {"authorization": f"Bearer {provider_key}"}
        with desk.client(key, headers=headers) as web:
            assert web.post(CHAT, json=BODY).status_code == 200
        with desk.client(headers={**headers, "x-midwatch-key": secrets["rotated key"]}) as web:
            assert web.post(CHAT, json=BODY).status_code == 200
        for wrong in (ended, mistyped, "no-key-at-all-88d2"):
            with desk.client(headers={**headers, "x-midwatch-key": wrong}) as web:
                told.faces.append(web.post(CHAT, json=BODY).text)
            with desk.client(wrong) as web, pytest.raises(httpx.ProxyError):
                web.post(CHAT, json=BODY)
    secrets["a key that is none"] = "no-key-at-all-88d2"
    # Plain requests show it to the proxy each time.
    with httpx.Client(proxy=proxy_of(desk.house, ended), timeout=60) as web:
        told.faces.append(web.post("http://ollama.lan:11434/api/chat", json=BODY).text)


def look(told: Told, admin: str) -> None:
    """All the faces, as who may see everything, and as who may not come in."""
    with httpx.Client(base_url=told.desk.house.console, trust_env=False, timeout=60) as web:
        told.faces.append(web.post("/signin", data={"key": told.secrets["mistyped key"]}).text)
        told.faces.append(web.get("/api/v1/exchanges", headers={"authorization": f"Bearer {admin}x"}).text)
        assert web.post("/signin", data={"key": admin}).status_code == 303
        told.secrets["session"] = web.cookies["midwatch_session"]
        assert len(told.desk.house.rows()) == 4
        rows = web.get("/api/v1/exchanges").json()["exchanges"]
        told.faces += [send_to(web, admin, name) for name in ("slack", "hook", "pager", "mail")]
        pages = [entrance.path for entrance in ENTRANCES if "GET" in entrance.methods and "{" not in entrance.path]
        pages += [f"{root}/exchanges/{row['id']}" for root in ("", "/api/v1") for row in rows]
        told.faces += [web.get(page).text for page in pages if page not in ENDLESS]
    house = told.desk.house
    assert len(rows) == 4
    told.faces += [json.dumps(house.ask({"op": op})) for op in ("status", "exchanges", "keys", "tenants", "audit")]
    for words in (("tenants",), ("keys", "list"), ("audit",), ("traces",), ("plugins",)):
        told.desk.run(*words, "--json")
        told.desk.run(*words)
    examined = house.run("doctor", "--config", str(house.config_file))
    assert "redis://planted:***@" in examined.stdout
    told.faces += [examined.stdout, examined.stderr]


def send_to(web: httpx.Client, admin: str, channel: str) -> str:
    """What a channel whose service is not there is said to have answered."""
    answer = web.post(f"/api/v1/alerts/channels/{channel}/test", headers={"authorization": f"Bearer {admin}"}, json={})
    assert answer.status_code in (200, 202, 502), answer.text
    return answer.text


def test_what_is_searched_has_what_is_no_secret(told: Told) -> None:
    everything = "\n".join([*told.faces, *told.desk.printed, stored(told.desk.house.home.root / "midwatch.db")])
    for name in ("client key", "rotated key", "revoked key", "admin key"):
        assert name_of(told.secrets[name]) in everything, name
    assert "Who is there?" in everything


def test_no_file_of_the_home_has_a_secret(told: Told) -> None:
    files = [path for path in told.desk.house.home.root.rglob("*") if path.is_file()]
    assert {"midwatch.db", "directory.json", "snapshot.json"} <= {path.name for path in files}
    for path in files:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # a segment of the journal that was stored meanwhile
        for name, secret in told.secrets.items():
            assert not [form for form in forms(secret) if form in data], f"{name} in {path}"


def test_the_store_the_log_and_the_faces_have_none(told: Told) -> None:
    house = told.desk.house
    assert " debug " in house.log
    assert "cache" in house.log  # it is away, and that is said, with its address
    places = {
        "the store": stored(house.home.root / "midwatch.db"),
        "the log": house.log,
        "the faces": "\n".join(told.faces),
        "the commands": "\n".join(told.desk.printed),
    }
    for place, text in places.items():
        for name, secret in told.secrets.items():
            assert secret not in text, f"{name} in {place}"


def test_no_process_has_one_in_its_command_line(told: Told, living: Any) -> None:
    lines = "\n".join(living(str(told.desk.house.home.root)))
    assert "proxy.worker" in lines
    for name, secret in told.secrets.items():
        assert secret not in lines, name


def first_key(log: str) -> list[str]:
    """The keys that a start showed."""
    return [line.rpartition(" ")[2] for line in log.splitlines() if "first admin key" in line]


def test_the_first_admin_key_is_shown_once_and_opens_the_console(make_house: Any) -> None:
    house = make_house(access={"console": "always"})
    (key,) = first_key(house.log)
    shown = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=house.console, trust_env=False, timeout=60) as web:
        assert web.get("/api/v1/exchanges").status_code == 401
        assert web.get("/calls", follow_redirects=True).url.path == "/signin"
        assert web.get("/metrics", headers=shown).status_code == 200
    (row,) = Desk(house).rows("keys")
    assert (row["id"], row["role"], row["tenant"], row["label"]) == (name_of(key), "admin", None, "first admin key")
    assert house.stop() == 0
    again = make_house(root=house.home.root, access={"console": "always"})
    assert first_key(again.log) == []
    assert httpx.get(f"{again.console}/metrics", headers=shown, trust_env=False, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("admin_key", "says"),
    [
        ("${ABSENT_OF_ALL}", "ABSENT_OF_ALL"),
        ("mw_aaaaaaaa_" + "x" * 43, "${VARIABLE}"),
        ("${E2E_ADMIN}", "a key is mw_"),
    ],
)
def test_an_admin_key_that_cannot_be_one_is_refused_at_the_start(
    front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path, admin_key: str, says: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"access": {"console": "always", "admin_key": admin_key}}))
    words = ("--home", str(tmp_path / "home"), "--config", str(config))
    done = subprocess.run(
        [*front_door, *words, "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**bare_environment, "E2E_ADMIN": "planted-secret-that-is-no-key"},
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "access.admin_key" in line]
    assert says in line
    assert "planted-secret" not in done.stderr
    assert "x" * 43 not in done.stderr
