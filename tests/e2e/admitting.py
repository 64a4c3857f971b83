"""Tenants and keys as an operator makes them: by the commands, while the house runs. And clients that show a key."""

from __future__ import annotations

import json
from typing import Any

import httpx

from midwatch_core.access.keys import id_of

CHAT = "https://api.openai.com/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who is there?"}]}


class Desk:
    """Where an operator of a house sits. `printed` is all that commands said, but for keys, which are shown once."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.printed: list[str] = []

    def run(self, *words: str, **options: Any) -> str:
        """What a command prints; it must end well."""
        done = self.house.run(*words, **options)
        assert done.returncode == 0, done.stderr
        self.printed += [done.stderr, "" if words[0] == "keys" and words[1] in ("create", "rotate") else done.stdout]
        return str(done.stdout)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The rows of a listing."""
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def key(self, *words: str) -> str:
        """A new key."""
        return self.run("keys", "create", *words).strip()

    def revoke(self, key: str) -> None:
        """End a key."""
        self.run("keys", "revoke", name_of(key))

    def client(self, key: str | None = None, app: str = "app", **options: Any) -> httpx.Client:
        """A client behind the proxy, which shows a key as the proxy's password."""
        proxy = {"proxy": proxy_of(self.house, key, app)} if key is not None else {}
        client: httpx.Client = self.house.client(**proxy, **options)
        return client


def name_of(key: str) -> str:
    """What a key is known by."""
    found = id_of(key)
    assert found is not None, "this is no key"
    return found


def proxy_of(house: Any, key: str, app: str = "app") -> str:
    """The proxy's address as a program is given it."""
    return str(house.proxy).replace("http://", f"http://{app}:{key}@", 1)


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    """An answer's status, and the code of a refusal in OpenAI's shape."""
    document = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return answer.status_code, document.get("error", {}).get("code") if "error" in document else None
