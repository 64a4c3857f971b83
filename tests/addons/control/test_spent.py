"""What was spent before: the record's sums for one budget's counter, asked over the socket, or nothing known."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.spent import Spent
from midwatch.lines import Line, LineClient
from midwatch.proxy.governing.spending import Spending
from midwatch.proxy.numbers import GOVERNING
from midwatch_core.governing.seeding import BudgetSeed, seed_from_json
from midwatch_core.governing.settings import BudgetRule
from midwatch_core.metrics import Metrics
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.model.usage import Usage
from midwatch_core.testing.factories import BEGINNING, make_exchange
from midwatch_memory.traces import MemoryTraces

SINCE = BEGINNING - timedelta(hours=9)


def call(usd: str | None = "0.5", tokens: int | None = 100, **changes: Any) -> Exchange:
    """A call that cost so much, or has no price, and read and wrote so many tokens in all."""
    who = {key: changes.pop(key) for key in ("agent", "key_id", "user") if key in changes}
    made = make_exchange(**changes)
    assert made.response is not None
    usage = None if tokens is None else Usage(input_tokens=tokens - 1, output_tokens=1)
    cost = Cost(reason="unknown") if usd is None else Cost(amount=Decimal(usd), source="test")
    identity = Identity(tenant=made.identity.tenant, **who)
    return replace(made, identity=identity, cost=cost, response=replace(made.response, usage=usage))


def seed(rule: dict[str, Any] | None = None, **values: str | None) -> BudgetSeed:
    made = BudgetRule.model_validate({"id": "b", "usd": 50, "per": [*values], **(rule or {})})
    return BudgetSeed(rule=made, tenant="default", values=tuple(values.items()), since=SINCE)  # type: ignore[arg-type]


async def spent(calls: list[Exchange], wanted: BudgetSeed) -> Decimal:
    traces = MemoryTraces()
    await traces.start()
    await traces.put(calls)
    return Decimal(await Spent(traces=traces, caught_up=_caught_up).nano(wanted)) / 10**9


async def _caught_up(timeout_s: float) -> bool:
    return timeout_s > 0


async def test_the_calls_of_a_tenant_since_the_period_began() -> None:
    calls = [call(), call("0.25"), call(tenant="other"), call(started_at=SINCE - timedelta(seconds=1))]
    assert await spent(calls, seed()) == Decimal("0.75")


async def test_only_calls_that_the_budget_concerns() -> None:
    calls = [call(model="gpt-5"), call(model="models/GPT-5"), call(model="o3"), call("3", agent="a", model="gpt-5")]
    assert await spent(calls, seed({"models": ["gpt-*"]})) == Decimal(4)
    assert await spent(calls, seed({"models": ["o3"], "providers": ["openai"]})) == Decimal("0.5")
    assert await spent(calls, seed({"models": ["o3"], "providers": ["anthropic"]})) == 0
    assert await spent(calls, seed({"agents": ["a"]})) == Decimal(3)


async def test_each_counter_of_a_divided_budget_has_its_own_calls() -> None:
    calls = [call("1", key_id="k1", agent="a"), call("2", key_id="k1"), call("4", key_id="k2"), call("8")]
    assert await spent(calls, seed(key="k1")) == 3
    assert await spent(calls, seed(key="k1", agent="a")) == 1
    assert await spent(calls, seed(key="k1", agent=None)) == 2
    assert await spent(calls, seed(key=None)) == 8
    assert await spent(calls, seed(model="gpt-5-mini")) == 15


async def test_calls_without_a_price_count_by_their_tokens() -> None:
    rule = {"assumed_usd_per_million_tokens": 10}
    assert await spent([call(None, 1000), call(None, 500)], seed(rule)) == Decimal("0.015")


async def test_of_a_group_with_and_without_prices_each_call_counts_as_it_is() -> None:
    calls = [call("1", 10**6), call(None, None), call(None, 1000), call(None, 7, tenant="other"), call("2", 10**6)]
    rule = {"assumed_usd_per_million_tokens": 10}
    assert await spent(calls, seed(rule)) == Decimal("3.01")
    assert await spent([*calls, call(None, 1000, agent="x")], seed(rule, agent=None)) == Decimal("3.01")


async def test_money_is_rounded_up() -> None:
    assert await spent([call("0.0000000001")], seed()) == Decimal("0.000000001")


def test_a_question_comes_over_as_it_was() -> None:
    for asked in (seed(), seed(key="k", agent=None), seed({"models": ["a*"], "period": "week", "hard": False})):
        assert seed_from_json(asked.as_json()) == asked


JSON: st.SearchStrategy[Any] = st.none() | st.integers() | st.text() | st.lists(st.text()) | st.just({})


@given(st.dictionaries(st.sampled_from(["rule", "tenant", "values", "since"]), JSON))
async def test_what_is_wrong_with_a_question_is_in_its_answer(question: dict[str, Any]) -> None:
    traces = MemoryTraces()
    await traces.start()
    assert "error" in await Spent(traces=traces, caught_up=_caught_up).answer(question)


async def test_a_moment_without_an_offset_is_none() -> None:
    with pytest.raises(ValueError, match="offset"):
        seed_from_json({**seed().as_json(), "since": "2026-03-01T00:00:00"})


@asynccontextmanager
async def control(
    path: Path, calls: list[Exchange], caught_up: Callable[[float], Awaitable[bool]] = _caught_up
) -> AsyncIterator[None]:
    """Control's socket, where this question alone is answered."""
    traces = MemoryTraces()
    await traces.start()
    await traces.put(calls)
    spent = Spent(traces=traces, caught_up=caught_up)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        while (question := await line.receive()) is not None:
            await line.send(await spent.answer(question))
        await line.close()

    async with await asyncio.start_unix_server(serve, path):
        yield


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mw") as folder:  # a socket's path must be short
        yield Path(folder) / "control.sock"


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.declare(GOVERNING)
    return made


async def test_a_worker_asks_control(socket: Path, metrics: Metrics) -> None:
    async with control(socket, [call("0.25"), call("0.5", agent="a")]):
        spending = Spending(LineClient(socket), metrics)
        assert await spending(seed()) == 750_000_000
        assert await spending(seed(agent="a")) == 500_000_000
    assert metrics.samples() == []


async def test_without_control_a_budget_begins_at_zero_and_says_so(
    socket: Path, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    assert await Spending(LineClient(socket), metrics)(seed()) == 0
    (sample,) = metrics.samples()
    assert (sample.labels, sample.values) == (("b",), (1.0,))
    assert "budget b begins at zero" in caplog.text


async def test_a_budget_that_begins_without_calls_that_are_not_stored_yet_says_so(
    socket: Path, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    async def behind(timeout_s: float) -> bool:
        return False

    async with control(socket, [call("0.25")], caught_up=behind):
        assert await Spending(LineClient(socket), metrics)(seed()) == 250_000_000
    assert "budget b begins without the calls that are journalled and not stored yet" in caplog.text


async def test_an_answer_without_an_amount_is_none(socket: Path, metrics: Metrics) -> None:
    async with control(socket, []):
        wrong = replace(seed(), since=SINCE.replace(tzinfo=None))
        assert await Spending(LineClient(socket), metrics)(wrong) == 0
    assert len(metrics.samples()) == 1


async def test_what_a_subscription_paid_for_is_spent_only_where_a_budget_says_so() -> None:
    paid = replace(call("2"), cost=Cost(amount=Decimal(2), source="test", basis=CostBasis.API_EQUIVALENT))
    unknown = replace(call(None, 1000), cost=Cost(reason="unknown", basis=CostBasis.API_EQUIVALENT))
    calls = [call("1"), paid, unknown]
    rule = {"assumed_usd_per_million_tokens": 10}
    assert await spent(calls, seed(rule)) == 1
    assert await spent(calls, seed(rule | {"count_subscriptions": True})) == Decimal("3.01")
