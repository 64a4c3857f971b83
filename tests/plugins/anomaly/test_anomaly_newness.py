"""New hosts, models and tools are told of tenants that are known, once, and a few a day at most."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from midwatch_anomaly.newness import New, NewKind, Newness, NewnessLimits, new_alert
from midwatch_core import Exchange, Severity, ToolCall
from midwatch_core.testing import make_exchange
from midwatch_core.testing.factories import BEGINNING

DAY_S = 86_400.0
QUICK = NewnessLimits(warm_up_days=1, warm_up_calls=10)


def call(
    *,
    tenant: str = "acme",
    model: str = "gpt-5",
    host: str = "api.openai.com",
    tools: tuple[str, ...] = (),
    **changes: Any,
) -> Exchange:
    base = make_exchange(tenant=tenant, model=model)
    request, endpoint = replace(base.request, tools=tools), replace(base.endpoint, host=host)
    return replace(base, request=request, endpoint=endpoint, **changes)


@pytest.fixture
def known() -> Newness:
    """One who knows acme for two days."""
    newness = Newness(QUICK)
    for number in range(20):
        assert newness.take(call(tools=("read",)), number * DAY_S / 10) == []
    return newness


NOW_S = 2 * DAY_S


def names(found: list[New]) -> list[tuple[str, str]]:
    return [(new.kind.value, new.name) for new in found]


def test_a_host_a_model_and_a_tool_are_new_once(known: Newness) -> None:
    other = call(model="gpt-6", host="api.other.example", tools=("read", "shell"))
    assert names(known.take(other, NOW_S)) == [("host", "api.other.example"), ("model", "gpt-6"), ("tool", "shell")]
    assert known.take(other, NOW_S + 1) == []


def test_a_tool_that_is_only_called_is_new_too(known: Newness) -> None:
    exchange = call()
    assert exchange.response is not None
    called = replace(exchange.response, tool_calls=(ToolCall(id=None, name="delete", path="/x"),))
    assert names(known.take(replace(exchange, response=called), NOW_S)) == [("tool", "delete")]


def test_nothing_is_new_before_enough_calls_and_enough_days() -> None:
    newness = Newness(QUICK)
    for number in range(30):  # enough calls, all within a day
        assert newness.take(call(model=f"m{number}"), number) == []
    newness = Newness(QUICK)
    for number in range(5):  # days enough, and few calls
        assert newness.take(call(model=f"m{number}"), number * DAY_S) == []


def test_a_call_that_failed_tells_nothing_and_teaches_nothing(known: Newness) -> None:
    assert known.take(call(model="guessed", status=404), NOW_S) == []
    assert names(known.take(call(model="guessed"), NOW_S)) == [("model", "guessed")]


def test_tenants_are_apart(known: Newness) -> None:
    assert known.take(call(tenant="other", model="gpt-6"), NOW_S) == []
    assert names(known.take(call(model="gpt-6"), NOW_S)) == [("model", "gpt-6")]


def test_where_new_names_are_usual_only_a_few_a_day_are_told(known: Newness) -> None:
    found = [known.take(call(model=f"m{number}"), NOW_S) for number in range(100)]
    assert sum(map(len, found)) == QUICK.most_a_day
    assert len(known.take(call(model="tomorrow's"), NOW_S + DAY_S)) == 1


def test_a_hostile_client_fills_no_memory(known: Newness) -> None:
    limits = NewnessLimits(warm_up_days=0, warm_up_calls=0, most_names=10, most_a_day=1000)
    newness = Newness(limits)
    offered = tuple(f"tool {number}" for number in range(5000))
    assert len(newness.take(call(tools=offered), 0)) == 12  # host, model, and as many tools as are remembered
    assert newness.take(call(tools=(*offered, "one more")), 0) == []
    assert known.take(call(model="x" * 10_000), NOW_S)[0].name == "x" * 100


def test_tenants_that_were_not_seen_for_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_anomaly.newness._MOST_TENANTS", 3)
    newness = Newness(QUICK)
    for tenant in "abcadef":
        newness.take(call(tenant=tenant), 0)
    assert newness.remembered == 3
    monkeypatch.setattr("midwatch_anomaly.newness._MOST_IN_ALL", 5)
    newness.take(call(tenant="f", tools=("a", "b")), 0)
    assert newness.remembered == 1


def test_what_was_seen_survives_a_restart(known: Newness) -> None:
    again = Newness(QUICK)
    again.load(known.dump())
    assert again.dump() == known.dump()
    assert again.take(call(tools=("read",)), NOW_S) == []
    assert names(again.take(call(model="gpt-6", tools=("read",)), NOW_S)) == [("model", "gpt-6")]


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"{",
        b"[]",
        b'{"version":2,"tenants":{}}',
        b'{"version":1}',
        b'{"version":1,"tenants":{"a":1}}',
        b'{"version":1,"tenants":{"a":[1,2]}}',
        b'{"version":1,"tenants":{"a":["x",2,{}]}}',
        b'{"version":1,"tenants":{"a":[1,2,{"host":"!"}]}}',
        b'{"version":1,"tenants":{"a":[1,2,[]]}}',
    ],
    ids=range(10),
)
def test_a_dump_that_is_none_is_refused_and_changes_nothing(known: Newness, kept: bytes) -> None:
    before = known.dump()
    with pytest.raises(ValueError):  # noqa: PT011  # whatever reads it says what is wrong
        known.load(kept)
    assert known.dump() == before


def test_a_clock_that_was_ahead_keeps_nobody_unknown() -> None:
    newness = Newness(QUICK)
    newness.take(call(), 1000 * DAY_S)
    for number in range(20):
        newness.take(call(), number * DAY_S)
    assert len(newness.take(call(model="gpt-6"), 21 * DAY_S)) == 1


def test_newness_can_be_left_alone() -> None:
    newness = Newness(NewnessLimits(enabled=False, warm_up_days=0, warm_up_calls=0))
    assert newness.take(call(), 0) == []


def test_the_alert_of_a_new_name_is_mild_and_over_after_a_day() -> None:
    alert = new_alert(New(tenant="acme", kind=NewKind.MODEL, name="gpt-6"), BEGINNING)
    assert (alert.category, alert.severity, alert.tenant) == ("anomaly", Severity.LOW, "acme")
    assert alert.title == "A model that acme never used before: gpt-6"
    assert alert.fingerprint == "anomaly:acme:new:model:gpt-6"
    assert alert.expires_at == BEGINNING + timedelta(days=1)
