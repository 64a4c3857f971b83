"""Calls under limits and budgets, for tests: tenants' keys, the end of a month, and what the store says was spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

CHAT = "https://api.openai.com/v1/chat/completions"
# What every call here writes, and what the store says such a call cost, where one speaks of "a call".
TOKENS = 100
QUESTION = [{"role": "user", "content": "Who walks the wall tonight?"}]
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": QUESTION, "max_tokens": TOKENS}
# 11 tokens of input at 0.15 and 100 of output at 0.60 US dollars a million.
COST = Decimal("0.00006165")


def ask(web: httpx.Client, agent: str, *, body: dict[str, Any] = BODY, **script: Any) -> httpx.Response:
    """One call of an agent, to a model that writes TOKENS unless told otherwise."""
    told = ",".join(f"{key}={value}" for key, value in {"tokens": TOKENS, **script}.items())
    return web.post(CHAT, json=body, headers={"x-midwatch-agent": agent, "x-sim": told})


def until_refused(web: httpx.Client, agent: str, **options: Any) -> tuple[int, httpx.Response]:
    """Calls one after the other: how many were served, and the refusal."""
    for served in range(100):
        answer = ask(web, agent, **options)
        if answer.status_code != 200:
            return served, answer
    raise AssertionError("a hundred calls, and none was refused")


def spent(house: Any, **conditions: Any) -> Decimal:
    """What the store says that these calls cost together."""
    return sum((Decimal(str(row["cost_usd"] or 0)) for row in house.rows(**conditions)), Decimal())


def keys_of(house: Any, tenant: str, count: int, waiting: Callable[..., Any]) -> list[str]:
    """New keys of a tenant, which every worker knows."""
    made = [house.ask({"op": "key_create", "role": "client", "tenant": tenant})["key"] for _ in range(count)]
    waiting(lambda: all(_known(house, key) for key in made for _ in range(5)), "the workers to know the keys")
    return made


def _known(house: Any, key: str) -> bool:
    with house.client() as web:
        return bool(web.get("http://plain.example/", headers={"x-midwatch-key": key}).status_code == 404)


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal in OpenAI's shape."""
    return str(answer.json()["error"]["code"])


def month_end() -> datetime:
    """The first moment of the next month, in UTC."""
    begins = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (begins + timedelta(days=32)).replace(day=1)
