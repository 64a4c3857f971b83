"""Rules: which of them concern a call, and that counters are one tenant's own whatever clients call themselves."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.errors import ConfigError
from midwatch_core.governing.naming import counter_name, quoted
from midwatch_core.governing.rules import CallKeys, Rules, concerns, digest_of, keys_of, model_key
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, LimitRule
from midwatch_core.metering import Allowance, Bucket, Concurrency, Window
from midwatch_core.testing import make_exchange

KEYS = CallKeys("acme", "mw_1", "coder", "ann", "editor", "gpt-5-mini", "openai")
ANY_TEXT = st.none() | st.text(max_size=80) | st.sampled_from(["-", "", "%", "%2D", "a:b", "{x}", "ü" * 70])


def limit(**changes: Any) -> LimitRule:
    return LimitRule(**{"id": "slow", "tokens": 1000, **changes})


def budget(**changes: Any) -> BudgetRule:
    return BudgetRule(**{"id": "monthly", "usd": Decimal(50), **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"tenants": ("acme",)}, True),
        ({"tenants": ("other",)}, False),
        ({"models": ("gpt-5-mini",)}, True),
        ({"models": ("GPT-5*",)}, True),
        ({"models": ("gpt-5",)}, False),
        ({"models": ("*",)}, True),
        ({"models": ("claude-*", "gpt-5-m*")}, True),
        ({"agents": ("coder",)}, True),
        ({"agents": ("other",)}, False),
        ({"providers": ("openai",), "agents": ("coder",)}, True),
        ({"providers": ("anthropic",), "agents": ("coder",)}, False),
    ],
)
def test_a_rule_concerns_the_calls_that_it_names(changes: dict[str, Any], expected: bool) -> None:
    assert concerns(limit(**changes), KEYS) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (limit(), True),
        (limit(tokens=None, concurrent=1), True),
        (limit(tokens=None, requests_per_s=1), True),
        (limit(tokens=None, usd=1), False),
        (limit(tokens=None, usd=1, count_subscriptions=True), True),
        (budget(), False),
        (budget(count_subscriptions=True), True),
    ],
)
def test_money_that_a_subscription_pays_counts_only_where_a_rule_says_so(rule: Any, expected: bool) -> None:
    assert concerns(rule, KEYS._replace(subscription=True)) is expected
    assert concerns(rule, KEYS)


def test_count_subscriptions_goes_with_money() -> None:
    with pytest.raises(ValueError, match="count_subscriptions goes with usd"):
        limit(count_subscriptions=True)


def test_a_call_without_a_model_is_every_models() -> None:
    assert concerns(limit(models=("gpt-5",)), KEYS._replace(model=None))


def test_a_model_is_known_however_it_is_written() -> None:
    assert {model_key(name) for name in ("Gemini-2.5-Pro", "models/gemini-2.5-pro")} == {"gemini-2.5-pro"}
    assert model_key("publishers/google/models/gemini-2.5-pro") == "gemini-2.5-pro"
    assert model_key("") is None


def test_the_keys_of_a_call_are_those_of_its_request() -> None:
    keys = keys_of(make_exchange(tenant="acme"))
    assert keys == CallKeys("acme", None, "coder", None, "editor", "gpt-5-mini", "openai")


def test_each_kind_of_rule_has_its_meter() -> None:
    limits = [
        limit(id="a", tokens=None, requests_per_s=0.5),
        limit(id="b", tokens=5, window_s=90),
        limit(id="c", tokens=None, usd=Decimal("0.5")),
        limit(id="d", tokens=None, concurrent=3),
    ]
    counters = Rules(limits, [budget()]).counters(KEYS)
    meters = [item.demand(7, 0).meter for item in counters.all]
    assert meters == [
        Bucket(rate_per_s=0.5, burst=1),
        Window(limit=5, window_s=90),
        Window(limit=500_000_000, window_s=60),
        Concurrency(limit=3),
        Allowance(limit=50_000_000_000, ends_s=31 * 86400),
    ]
    assert [item.demand(7, 0).amount for item in counters.all] == [1, 7, 7, 1, 7]
    assert (counters.sized, counters.priced, counters.settled, counters.demands) == (True, True, True, None)


def test_the_default_limit_needs_to_know_nothing_of_a_call() -> None:
    counters = Rules(DEFAULT_LIMITS, ()).counters(KEYS)
    (demand,) = counters.demands or ()
    assert (demand.amount, demand.meter) == (1, Bucket(rate_per_s=100, burst=200))
    assert (counters.sized, counters.priced, counters.settled) == (False, False, False)


def test_counters_are_divided_by_what_a_rule_says_and_by_tenants_always() -> None:
    names = {
        Rules((), [budget(per=("key", "agent"))]).counters(keys).all[0].name
        for keys in (
            KEYS,
            KEYS._replace(tenant="other"),
            KEYS._replace(key="mw_2"),
            KEYS._replace(key=None),
            KEYS._replace(agent="-"),
            KEYS._replace(agent=None),
        )
    }
    assert len(names) == 6
    assert all(name.startswith(("{acme}:monthly:", "{other}:monthly:")) for name in names)


def test_what_a_rule_does_not_divide_by_changes_no_counter() -> None:
    rules = Rules([limit()], [budget(per=("key",))])
    rotated = KEYS._replace(agent="x", user="y", app="z", model="gpt-4o", provider="azure")
    assert [item.name for item in rules.counters(KEYS).all] == [item.name for item in rules.counters(rotated).all]


def test_another_amount_goes_on_with_the_same_counter_and_another_meaning_does_not() -> None:
    assert digest_of(budget()) == digest_of(budget(usd=Decimal(99), hard=False))
    assert digest_of(limit()) == digest_of(limit(tokens=7))
    different: list[LimitRule | BudgetRule] = [
        limit(),
        limit(tokens=None, usd=Decimal(1)),
        limit(window_s=61),
        limit(models=("x",)),
        budget(),
    ]
    assert len({digest_of(rule) for rule in [*different, budget(period="day")]}) == 6


def test_an_id_is_given_once() -> None:
    with pytest.raises(ConfigError, match=r"limits: the id 'slow' is given twice"):
        Rules([limit(), limit(tokens=None, concurrent=1)], ())
    assert len(Rules([limit(id="x")], [budget(id="x")]).counters(KEYS).all) == 2


def test_what_is_remembered_is_bounded() -> None:
    rules = Rules([limit(per=("agent",))], ())
    for number in range(9000):
        rules.counters(KEYS._replace(agent=f"agent-{number}"))
    assert len(rules._remembered) <= 4096


@given(st.lists(ANY_TEXT, min_size=2, max_size=2, unique=True))
def test_different_values_never_look_the_same(pair: list[str | None]) -> None:
    first, second = (quoted(value) for value in pair)
    assert first != second


@given(st.text(max_size=200), ANY_TEXT, ANY_TEXT)
def test_a_name_is_short_plain_and_begins_with_its_tenant(tenant: str, key: str | None, agent: str | None) -> None:
    name = counter_name(tenant, ("rule", "1a2b"), [("key", key), ("agent", agent)])
    assert name.isascii()
    assert len(name) < 700
    assert name.startswith(f"{{{quoted(tenant)}}}:rule:1a2b:key=")
    assert name.count("{") == name.count("}") == 1
    assert name.count(":") == 4
