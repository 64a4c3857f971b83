"""Budgets with real processes and client libraries: never over by a cent, whoever races, restarts or forgets."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import Any, cast

import anthropic
import httpx
import openai
import pytest
import yaml
from redis import Redis

from midwatch_core.governing.money import usd_of
from midwatch_core.model.finding import Action
from tests.e2e.budget_calls import BODY, COST, TOKENS, ask, code_of, keys_of, month_end, spent, until_refused
from tests.e2e.chaos.servers import Valkey
from tests.e2e.talking import DIALECTS, AnthropicMessages, Talker, sim, talkers

CLIENTS = 64
RACED = 10 * COST
SLICE = 200
# Of each dialect a budget that one such call fits into, and two do not.
ONE_CALL = {
    "openai.chat": "0.0002",
    "openai.completions": "0.006",
    "openai.responses": "0.0002",
    "anthropic.messages": "0.035",
    "gemini.generate_content": "0.0002",
    "ollama.chat": "0.009",
    "ollama.generate": "0.009",
}
# Of those that may leave the maximum away, one that three slices of output fit into.
THREE_SLICES = {
    "openai.chat": "0.00045",
    "openai.responses": "0.00045",
    "anthropic.messages": "0.007",
    "gemini.generate_content": "0.0003",
    "ollama.chat": "0.016",
    "ollama.generate": "0.016",
}


def rule(name: str, usd: object, **more: Any) -> dict[str, Any]:
    return {"id": name, "usd": str(usd), "agents": [name], **more}


RULES = [
    {"id": "race", "usd": str(RACED), "tenants": ["acme"]},
    *(rule(f"one-{name}", usd) for name, usd in ONE_CALL.items()),
    *(rule(f"cut-{name}", usd) for name, usd in THREE_SLICES.items()),
    rule("killed", 4 * COST),
    rule("failing", 2 * COST),
    rule("unpriced", "0.5", assumed_usd_per_million_tokens=1000),
    rule("flushed", 4 * COST),
    rule("away", 7 * COST),
    rule("hung", 7 * COST),
    rule("busy", 1),
    rule("soft", 2 * COST, hard=False),
]
SETTINGS: dict[str, Any] = {
    "limits": [],
    "budgets": RULES,
    "tenants": {"acme": {}},
    "governance": {"assumed_output_tokens": SLICE},
    "connections": {"wrong_keys": 0},  # new keys are tried until all workers know them
}


class WithoutMaximum(AnthropicMessages):
    """Anthropic's own API wants a maximum; servers that speak its language may not."""

    def asked(self, text: str, *, tool: bool = False) -> dict[str, Any]:
        return {**super().asked(text, tool=tool), "extra_body": {"max_tokens": None}}


@pytest.fixture(scope="module")
def alone(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One worker, whose counters are in its memory."""
    with house_in(tmp_path_factory.mktemp("alone"), settings=SETTINGS) as house:
        yield house


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.close()


@pytest.fixture(scope="module")
def pair(house_in: Any, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers, whose counters are in Valkey."""
    storage = {"cache": f"valkey://127.0.0.1:{valkey.port}"}
    with house_in(tmp_path_factory.mktemp("pair"), settings={**SETTINGS, "workers": 2, "storage": storage}) as house:
        yield house


@pytest.fixture(scope="module")
def clients(alone: Any) -> Iterator[dict[str, Talker]]:
    yield from talkers(alone)


@pytest.fixture(scope="module")
def unbounded(alone: Any, clients: dict[str, Talker]) -> Iterator[dict[str, Talker]]:
    """Clients that set no maximum."""
    talker = WithoutMaximum(alone)
    yield {**clients, talker.name: talker}
    talker.close()


# Races


async def race(house: Any, keys: list[str]) -> list[str]:
    """Many clients at once, each until it is refused twice: what became of every call."""
    web = openai.DefaultAsyncHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=60)
    async with openai.AsyncOpenAI(api_key="sk-e2e", http_client=web) as client:
        outcomes = await asyncio.gather(*(_racer(client, keys, number) for number in range(CLIENTS)))
    return [word for words in outcomes for word in words]


async def _racer(client: openai.AsyncOpenAI, keys: list[str], number: int) -> list[str]:
    words: list[str] = []
    while words.count("budget_exceeded") < 2:
        turn = number + len(words)
        headers = {
            "x-midwatch-key": keys[turn % len(keys)],
            "x-midwatch-agent": f"agent-{number}-{turn}",
            "x-midwatch-user": f"user-{turn}",
            "x-sim": f"tokens={TOKENS},delay_ms=20",
        }
        try:
            await client.chat.completions.create(**BODY, extra_headers=headers)
            words.append("served")
        except openai.RateLimitError as error:
            words.append(str(error.code))
    return words


@pytest.mark.parametrize("which", ["alone", "pair"])
async def test_nobody_wins_a_race_against_a_budget(which: str, request: pytest.FixtureRequest, waiting: Any) -> None:
    house = request.getfixturevalue(which)
    keys = keys_of(house, "acme", 3, waiting)
    words = await race(house, keys)
    with house.client(headers={"x-midwatch-key": keys[0]}) as web:
        more, refusal = until_refused(web, "late")
    rows = house.rows(tenant="acme")
    assert spent(house, tenant="acme") <= RACED
    # What a call reserves is more than it costs, so that the tenth does not fit when nine are settled.
    assert words.count("served") + more == 9 == sum(row["status"] == 200 for row in rows)
    assert code_of(refusal) == "budget_exceeded"
    assert len({row["key_id"] for row in rows}) == 3
    # No client library tried again what it was refused.
    assert len(rows) == len(words) + more + 1
    assert words.count("budget_exceeded") == 2 * CLIENTS


# What clients are told


@pytest.mark.parametrize("name", [kind.name for kind in DIALECTS])
def test_a_spent_budget_is_told_in_the_dialects_words(
    name: str, alone: Any, world: Any, clients: dict[str, Talker], trail: Any
) -> None:
    talker, first, way = clients[name], trail(), trail()
    agent = {"x-midwatch-agent": f"one-{name}"}
    count = 2000 if name in ("openai.completions", "anthropic.messages") else SLICE
    talker.say("Say something", streamed=False, headers={**sim(first, tokens=count), **agent})
    before = datetime.now(UTC)
    with pytest.raises(_limited(talker)) as caught:
        talker.say("Say something", streamed=False, headers={**sim(way, tokens=count), **agent})
    after = datetime.now(UTC)
    told = talker.told(caught.value)
    (row,) = alone.rows(trace_id=way.id)  # one: it was not tried again
    assert (told.status, told.code, told.request_id) == (429, "budget_exceeded", row["id"])
    assert (row["status"], row["action"]) == (429, "block")
    assert world.providers.counts[way.id] == 0
    headers = caught.value.response.headers  # type: ignore[attr-defined]  # each of the four has it
    left_s = [ceil((month_end() - moment).total_seconds()) for moment in (after, before)]
    assert left_s[0] <= int(headers["retry-after"]) <= left_s[1]
    assert headers["x-should-retry"] == "false"


def _limited(talker: Talker) -> type[Exception]:
    """What its library raises at a 429."""
    if isinstance(talker, AnthropicMessages):
        return anthropic.RateLimitError
    return openai.RateLimitError if talker.name.startswith("openai.") else talker.refused


# Streams


@pytest.mark.parametrize("name", THREE_SLICES)
def test_a_stream_without_a_maximum_is_cut_where_the_budget_is_spent(
    name: str, alone: Any, world: Any, unbounded: dict[str, Talker], trail: Any, waiting: Any
) -> None:
    talker = unbounded[name]
    way, agent = trail(), {"x-midwatch-agent": f"cut-{name}"}
    said = talker.say("Say something", streamed=True, headers={**sim(way, tokens=400, gap_ms=10), **agent})
    row = alone.row(way.id)
    assert (row["status"], row["action"], row["error"]) == (200, "cut", None)
    (verdict,) = alone.whole(way.id)["verdicts"]
    assert (verdict["action"], verdict["policy"], verdict["policy_line"]) == (Action.CUT, "limits", f"cut-{name}")
    # It went on for longer than the first slice, and no byte is beyond the last.
    assert SLICE < len(said.text.encode()) <= 3 * SLICE
    (item,) = (item for item in world.providers.received if item.id == way.id)
    assert waiting(lambda: item.progress.ended or None, "the provider's end") == "left"
    assert item.progress.events < 400


# What is given back, and what is not forgotten


def test_calls_that_the_provider_failed_cost_nothing(alone: Any) -> None:
    with alone.client() as web:
        failed = [ask(web, "failing", status=500).status_code for _ in range(5)]
        assert failed == [500] * 5
        assert until_refused(web, "failing")[0] == 1


def test_a_model_without_a_price_is_governed_by_its_tokens(alone: Any) -> None:
    body = {**BODY, "model": "acme-secret-1"}
    with alone.client() as web:
        served, refusal = until_refused(web, "unpriced", body=body)
    rows = [row for row in alone.rows(agent="unpriced") if row["status"] == 200]
    tokens = sum(row["input_tokens"] + row["output_tokens"] for row in rows)
    assert [row["cost_usd"] for row in rows] == [None] * served
    assert code_of(refusal) == "budget_exceeded"
    # A dollar for a thousand tokens: 500 are allowed, and a call that may take the rest is not.
    assert 500 - TOKENS - 300 < tokens <= 500


def test_a_killed_worker_forgets_nothing_that_is_stored(alone: Any, living: Any, waiting: Any) -> None:
    with alone.client() as web:
        assert [ask(web, "killed").status_code for _ in range(2)] == [200, 200]
    before = _workers(alone, living)
    os.kill(int(before[0]), signal.SIGKILL)
    waiting(lambda: _workers(alone, living) not in ([], before), "a new worker")
    waiting(lambda: _serves(alone), "calls to be served again")
    with alone.client() as web:
        served, refusal = until_refused(web, "killed")
    assert (served, code_of(refusal)) == (1, "budget_exceeded")
    assert spent(alone, agent="killed") == 3 * COST


def _workers(house: Any, living: Any) -> list[str]:
    return [line.split()[0] for line in living(str(house.home.root)) if "proxy.worker" in line]


def _serves(house: Any) -> bool:
    try:
        with house.client() as web:
            return bool(web.get("http://plain.example/").status_code == 404)
    except httpx.HTTPError:
        return False


# Soft budgets


def test_a_soft_budget_is_told_of_and_refuses_nothing(alone: Any, waiting: Any) -> None:
    with alone.client() as web:
        assert [ask(web, "soft").status_code for _ in range(4)] == [200] * 4
    assert spent(alone, agent="soft") == 4 * COST

    def crossed() -> list[str] | None:
        entries = alone.ask({"op": "audit", "limit": 1000})["rows"]
        told = [item["details"]["percent"] for item in entries if item["details"].get("rule") == "soft"]
        return told if len(told) == 3 else None

    assert sorted(map(int, waiting(crossed, "three marks in the audit log"))) == [50, 80, 100]
    with httpx.Client(trust_env=False, timeout=60) as web:
        metrics = web.get(f"{alone.console}/metrics").text
    for percent in (50, 80, 100):
        assert f'midwatch_budget_crossed_total{{rule="soft",percent="{percent}"}} 1.0' in metrics


# A shared cache that forgets, dies and comes back


def test_a_cache_that_forgot_all_begins_with_what_is_stored(pair: Any, valkey: Valkey) -> None:
    with pair.client() as web:
        assert [ask(web, "flushed").status_code for _ in range(2)] == [200, 200]
        with Redis(port=valkey.port) as redis:
            redis.flushall()
        served, refusal = until_refused(web, "flushed")
    assert (served, code_of(refusal)) == (1, "budget_exceeded")
    assert spent(pair, agent="flushed") == 3 * COST


def test_no_call_fails_while_the_cache_is_away(pair: Any, valkey: Valkey, waiting: Any) -> None:
    statuses: list[int] = []
    ended = threading.Event()

    def load() -> None:
        with pair.client() as web:
            while not ended.is_set():
                statuses.append(ask(web, "busy").status_code)

    threads = [threading.Thread(target=load) for _ in range(4)]
    with pair.client() as web:
        assert ask(web, "away").status_code == 200
        for thread in threads:
            thread.start()
        waiting(lambda: len(statuses) > 20, "some calls")
        valkey.kill()
        # Counted in the worker's own memory, beginning with what is stored.
        assert [ask(web, "away").status_code for _ in range(2)] == [200, 200]
        before = len(statuses)
        waiting(lambda: len(statuses) > before + 20, "calls without a cache")
        ended.set()
        for thread in threads:
            thread.join()
        valkey.start()
        waiting(lambda: _has_its_cache(pair), "the cache")
        served, refusal = until_refused(web, "away")
    assert set(statuses) == {200}
    assert (served, code_of(refusal)) == (3, "budget_exceeded")
    assert spent(pair, agent="away") == 6 * COST
    assert _counted(valkey, "away") == 6 * COST


def test_what_was_spent_while_the_cache_hung_is_counted_when_it_goes_on(
    pair: Any, valkey: Valkey, waiting: Any
) -> None:
    with pair.client() as web:
        assert ask(web, "hung").status_code == 200
        valkey.freeze()
        try:
            assert [ask(web, "hung").status_code for _ in range(2)] == [200, 200]
        finally:
            valkey.thaw()
        waiting(lambda: _has_its_cache(pair), "the cache")
        waiting(lambda: _counted(valkey, "hung") >= 3 * COST, "what was spent meanwhile")
        served, refusal = until_refused(web, "hung")
    # Three at most: a question that the server had got and not answered may count as well.
    assert (served <= 3, code_of(refusal)) == (True, "budget_exceeded")
    assert spent(pair, agent="hung") == (3 + served) * COST


def test_calls_are_refused_while_the_cache_is_away_where_that_is_wanted(
    pair: Any, valkey: Valkey, waiting: Any
) -> None:
    settings = yaml.safe_load(pair.config_file.read_text())
    settings["governance"]["when_unavailable"] = "refuse"
    pair.config_file.write_text(yaml.safe_dump(settings))
    with pair.client() as web:
        assert ask(web, "busy").status_code == 200
        valkey.kill()
        answer = waiting(lambda: _refused(ask(web, "busy")), "the settings to be read, and a refusal")
        assert (answer.status_code, code_of(answer)) == (503, "limits_unavailable")
        assert "is told to refuse it" in answer.json()["error"]["message"]
        valkey.start()
        waiting(lambda: ask(web, "busy").status_code == 200, "calls to be served again")


def _has_its_cache(house: Any) -> bool:
    """Whether every worker that missed the cache has it again; a new connection may be any worker's."""
    with house.client() as web:
        assert ask(web, "busy").status_code == 200
    return bool(0 < house.log.count("have no cache") == house.log.count("have their cache again"))


def _counted(valkey: Valkey, budget: str) -> Decimal:
    """What a budget's counter in the server stands at."""
    with Redis(port=valkey.port) as redis:
        (key,) = redis.scan_iter(f"*:a[0-9]*:{{*}}:{budget}:*")
        return usd_of(int(cast(bytes, redis.get(key))))


def _refused(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code != 200 else None
