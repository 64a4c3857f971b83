"""Credentials never get as far as journal, store, log or face; what is kept is for its owner alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.planted import forms, stored

# Each in another place of a request; none of them a word that anything else would hold.
SECRETS = {
    "authorization": "sk-planted-bearer-7d1f0a",
    "x-api-key": "planted-anthropic-key-2e9c",
    "x-goog-api-key": "planted-google-header-83be",
    "api-key": "planted-azure-key-51aa",
    "cookie": "planted-cookie-f00d",
    "query": "planted-query-key-9b2d",
    "set-cookie": "planted-set-cookie-66e1",
    "openai-organization": "planted-organisation-4c77",
    "proxy user": "planted-proxy-user-1b3c",
    "proxy password": "planted-proxy-password-aa90",
}
PROMPT = "remember the word lighthouse-keeper"


@pytest.fixture(scope="module")
def used_house(world: Any, house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A house that logs all it can, after calls with a secret in every place: well, failed, and not to a model."""
    with house_in(tmp_path_factory.mktemp("private"), environ={"MIDWATCH_LOG_LEVEL": "DEBUG"}) as house:
        plant(world, house)
        assert len(house.rows()) == 6
        yield house


def plant(world: Any, house: Any) -> None:
    headers = {
        "authorization": f"Bearer {SECRETS['authorization']}",
        "cookie": f"session={SECRETS['cookie']}",
        **{name: SECRETS[name] for name in ("x-api-key", "x-goog-api-key", "api-key", "openai-organization")},
    }
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": PROMPT}]}
    gemini = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}

    def cookie(asked: Any) -> None:
        field = f"set-cookie: s={SECRETS['set-cookie']}"
        asked.answer(b'{"error":{"message":"no"}}', field, status="401 Unauthorized")

    world.origin.routes["/privacy/v1/chat/completions"] = cookie
    proxy = httpx.URL(house.proxy).copy_with(username=SECRETS["proxy user"], password=SECRETS["proxy password"])
    query = f"?key={SECRETS['query']}"
    with house.client(headers=headers, proxy=proxy) as web, pytest.raises(httpx.ProxyError, match="407"):
        web.post("https://api.openai.com/v1/chat/completions", json=chat)  # a key that is none opens nothing
    for http2 in (False, True):
        with house.client(headers=headers, http2=http2) as web:
            assert web.post("https://api.openai.com/v1/chat/completions", json=chat).status_code == 200
            url = f"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent{query}"
            assert web.post(url, json=gemini).status_code == 200
            url = f"https://llm.acme.example/privacy/v1/chat/completions{query}"
            assert web.post(url, json={**chat, "stream": True}).status_code == 401
            web.get(f"https://api.openai.com/v1/models{query}")
    with house.client(headers=headers) as web, pytest.raises(httpx.HTTPError):
        web.post(f"https://127.0.0.1:1/v1/chat/completions{query}", json=chat)


def test_no_file_of_the_home_has_one(used_house: Any) -> None:
    files = [path for path in used_house.home.root.rglob("*") if path.is_file()]
    assert any(path.name == "midwatch.db" for path in files)
    for path in files:
        data = path.read_bytes()
        for place, secret in SECRETS.items():
            assert not [form for form in forms(secret) if form in data], f"{place} in {path}"


def test_the_store_has_none_inside_what_it_compresses(used_house: Any) -> None:
    text = stored(used_house.home.root / "midwatch.db")
    assert PROMPT in text  # the search would find what is there
    for place, secret in SECRETS.items():
        assert secret not in text, place


def test_the_log_has_none(used_house: Any) -> None:
    assert " debug " in used_house.log
    for place, secret in SECRETS.items():
        assert secret not in used_house.log, place


def test_no_face_has_one(used_house: Any) -> None:
    rows = used_house.rows()
    shown = [json.dumps(rows), json.dumps([used_house.ask({"op": "exchange", "id": row["id"]}) for row in rows])]
    with httpx.Client(base_url=used_house.console, trust_env=False, timeout=60) as web:
        shown += [web.get(path).text for path in ("/calls", "/metrics", "/healthz", "/readyz")]
        links = [row["id"] for row in rows]
        shown += [web.get(f"/exchanges/{id}").text for id in links]
    everything = "\n".join(shown)
    assert PROMPT in everything
    for place, secret in SECRETS.items():
        assert secret not in everything, place


def test_it_is_all_for_its_owner_alone(used_house: Any) -> None:
    root = used_house.home.root
    public = {f"mitmproxy-{name}" for name in ("ca-cert.pem", "ca-cert.cer", "ca-cert.p12", "dhparam.pem")}
    for path in (root, *root.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.name not in public:
            assert mode & 0o077 == 0, f"{oct(mode)} {path}"
