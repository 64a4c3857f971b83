"""The governor: no budget is ever passed, whoever races for it; what was not used comes back, what is unknown stays."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.governing.money import nano_of
from midwatch_core.governing.reservation import Reservation
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, LimitRule, Period
from midwatch_core.metering import Admission, Demand
from midwatch_core.model.content import Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.usage import Usage
from midwatch_memory.cache import MemoryCache
from tests.core.governing.governed import NOON, Governed, Remote, StoppedClock, asking, price, ruled, used

# 1000 tokens in at no more than 3.75 dollars a million, 100 out at 15.
BOUND_NANO = 1000 * 3750 + 100 * 15000


def budget(nano: int, **changes: object) -> BudgetRule:
    return BudgetRule.model_validate({"id": "monthly", "usd": Decimal(nano) / 10**9, **changes})


def limit(**changes: object) -> LimitRule:
    return LimitRule.model_validate({"id": "slow", **changes})


async def standing(governed: Governed, exchange: Exchange) -> int:
    """What the last counter of such a call stands at."""
    counter = governed.governor.rules.counters_of(exchange).all[-1]
    demand = counter.demand(0, governed.clock.now().timestamp())
    assert governed.cache is not None
    admission = await governed.cache.admit("look", [demand], hold_s=1)
    return admission.used[0]


async def race(governed: Governed, calls: int, seed: int) -> list[Exchange]:
    """So many calls at once, each truly using at most its bound; those that were let through, with what they used."""
    chance = Random(seed)
    went: list[Exchange] = []

    async def one(number: int) -> None:
        rotated = Identity(tenant="acme", agent=f"agent-{number}", key_id=f"mw_{number}", user=f"user-{number}")
        opened = replace(asking(), identity=rotated)
        reservation = governed.open(opened)
        ruling = await governed.admit(reservation)
        if not ruling.granted:
            return
        for _ in range(chance.randint(0, 3)):
            await asyncio.sleep(0)
        done = used(opened, chance.randint(0, 1000), chance.randint(0, 100))
        reservation.answered = 200
        went.append(done)
        await governed.settle(reservation, done)

    await asyncio.gather(*(one(number) for number in range(calls)))
    return went


@settings(max_examples=20)
@given(st.integers(0, 10**6))
async def test_64_calls_race_for_the_cost_of_10_and_never_pass_it(seed: int) -> None:
    limit_nano = 10 * BOUND_NANO
    governed = await Governed(budgets=[budget(limit_nano)]).start()
    spent = 0
    for round_ in range(30):  # what was given back is raced for again
        went = await race(governed, 64, seed + round_)
        if not went:
            break
        costs = [price(exchange) for exchange in went]
        spent += sum(nano_of(cost.amount) for cost in costs if cost is not None and cost.amount is not None)
        assert spent <= limit_nano
    assert spent == await standing(governed, replace(asking(), identity=Identity(tenant="acme")))
    assert spent > limit_nano - BOUND_NANO  # it was used up, as far as calls of this size can
    assert len(governed.seeds) == 1


async def test_all_at_once_exactly_as_many_go_as_there_is_room_for() -> None:
    governed = await Governed(budgets=[budget(10 * BOUND_NANO + BOUND_NANO - 1)]).start()
    reservations = [governed.open(asking()) for _ in range(64)]
    rulings = await asyncio.gather(*(governed.admit(item) for item in reservations))
    assert sum(ruling.granted for ruling in rulings) == 10


async def test_all_that_a_call_asks_for_is_under_its_tenants_name() -> None:
    governed = await Governed(limits=[limit(tokens=10**6)], budgets=[budget(10**9)]).start()
    reservation = governed.open(asking(tenant="a:{b}"))
    names = [reservation.ticket, *(item.name for item in reservation.counters.all)]
    assert {name.partition("}")[0] for name in names} == {"{a%3A%7Bb%7D"}


async def test_another_tenant_has_a_budget_of_its_own() -> None:
    governed = await Governed(budgets=[budget(BOUND_NANO)]).start()
    assert (await governed.call(used(asking(tenant="acme"), None, None))).granted
    assert not (await governed.call(asking(tenant="acme"))).granted
    assert (await governed.call(asking(tenant="other"))).granted


async def test_what_a_call_did_not_use_comes_back() -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO)]).start()
    assert (await governed.call(used(asking(), 10, 1))).granted
    assert await standing(governed, asking()) == 10 * 3000 + 15000


@pytest.mark.parametrize(("answered", "left"), [(None, 0), (500, 0), (429, 0), (200, BOUND_NANO)])
async def test_a_call_that_failed_gives_all_back_and_an_answer_without_usage_nothing(
    answered: int | None, left: int
) -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO)]).start()
    opened = asking()
    reservation = governed.open(opened)
    assert (await governed.admit(reservation)).granted
    reservation.answered = answered
    await governed.settle(reservation, used(opened, None, None))
    assert await standing(governed, opened) == left


async def test_a_client_that_leaves_before_the_answer_may_have_been_billed() -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO)]).start()
    reservation = governed.open(asking())
    assert (await governed.admit(reservation)).granted
    reservation.abandoned = True
    await governed.settle(reservation, used(asking(), None, None))
    assert await standing(governed, asking()) == BOUND_NANO


async def test_a_call_that_is_never_settled_stays_spent() -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO)]).start()
    reservation = governed.open(asking())
    assert (await governed.admit(reservation)).granted
    governed.clock.go(3600)
    assert await standing(governed, asking()) == BOUND_NANO
    await governed.settle(reservation, used(asking(), 1, 1))
    assert await standing(governed, asking()) == BOUND_NANO


async def test_what_was_written_of_an_answer_that_was_cut_stays_as_it_was_reserved() -> None:
    governed = await Governed(budgets=[budget(3 * BOUND_NANO)]).start()
    cut = Verdict(action=Action.CUT, policy="limits", policy_line="monthly")
    assert (await governed.call(replace(used(asking(), 10, 1), verdicts=(cut,)))).granted
    assert await standing(governed, asking()) == BOUND_NANO
    only_noted = replace(cut, dry_run=True)
    assert (await governed.call(replace(used(asking(), 10, 1), verdicts=(only_noted,)))).granted
    assert await standing(governed, asking()) == BOUND_NANO + 10 * 3000 + 15000


async def test_a_broken_off_answer_keeps_what_was_reserved() -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO)]).start()
    done = used(asking(), 10, 1)
    assert done.response is not None
    broken = replace(done, response=replace(done.response, complete=False, finish_reason=None))
    assert (await governed.call(broken)).granted
    assert await standing(governed, asking()) == BOUND_NANO


async def test_a_model_without_a_price_counts_its_tokens() -> None:
    rule = budget(10**9, assumed_usd_per_million_tokens=5)
    governed = await Governed(budgets=[rule]).start()
    reservation = governed.open(asking(model="free-1"))
    assert (await governed.admit(reservation)).granted
    assert await standing(governed, asking()) == 1100 * 5000
    reservation.answered = 200
    await governed.settle(reservation, used(asking(model="free-1"), 10, 2))
    assert await standing(governed, asking()) == 12 * 5000


async def test_a_budget_begins_with_what_was_spent_before() -> None:
    governed = await Governed(budgets=[budget(3 * BOUND_NANO, per=["agent"])], spent_before=2 * BOUND_NANO).start()
    assert (await governed.call(used(asking(), None, None))).granted
    assert not (await governed.call(asking())).granted
    (seed,) = governed.seeds
    assert (seed.tenant, seed.values, seed.since.isoformat()) == (
        "default",
        (("agent", "coder"),),
        "2026-11-01T00:00:00+00:00",
    )


async def test_the_next_period_begins_anew_and_a_clock_that_comes_back_finds_the_old_one() -> None:
    governed = await Governed(budgets=[budget(BOUND_NANO, period=Period.HOUR)]).start()
    assert (await governed.call(used(asking(), None, None))).granted
    refused = await governed.call(asking())
    assert (refused.granted, refused.retry_after_s) == (False, 3600)
    governed.clock.go(3600)
    assert (await governed.call(used(asking(), None, None))).granted
    governed.clock.at -= governed.clock.at - StoppedClock().at  # a wall clock that jumps; the other never does
    assert not (await governed.call(asking())).granted
    governed.clock.at = governed.clock.at.replace(year=2030)
    assert (await governed.call(asking())).granted


async def test_a_refusal_takes_nothing_from_any_counter() -> None:
    governed = await Governed(
        limits=[limit(id="r", requests_per_s=1, burst=2), limit(id="c", concurrent=5)], budgets=[budget(BOUND_NANO - 1)]
    ).start()
    for _ in range(5):
        ruling = await governed.call(asking())
        assert ruling.refused is not None
        assert ruling.refused.rule.id == "monthly"
        assert ruling.retry_after_s == 0
    assert await standing(governed, asking()) == 0


async def test_the_default_limit_is_a_burst_of_200_and_100_a_second() -> None:
    governed = await Governed(limits=DEFAULT_LIMITS).start()
    assert [(await governed.call(asking())).granted for _ in range(201)] == [True] * 200 + [False]
    governed.clock.go(0.05)
    assert [(await governed.call(asking())).granted for _ in range(6)] == [True] * 5 + [False]


async def test_calls_at_once_let_go_when_they_end() -> None:
    governed = await Governed(limits=[limit(concurrent=2)]).start()
    first, second, third = (governed.open(asking()) for _ in range(3))
    assert (await governed.admit(first)).granted
    assert (await governed.admit(second)).granted
    assert not (await governed.admit(third)).granted
    await governed.settle(first, asking())
    assert (await governed.admit(third)).granted


async def test_a_window_of_tokens_stands_at_what_was_used() -> None:
    governed = await Governed(limits=[limit(tokens=1200, window_s=60)]).start()
    assert (await governed.call(used(asking(), 90, 10))).granted
    assert await standing(governed, asking()) == 100
    assert (await governed.call(used(asking(), None, None))).granted
    refused = await governed.call(asking())
    assert not refused.granted
    assert 0 < refused.retry_after_s <= 62
    governed.clock.go(62)
    assert (await governed.call(asking())).granted


async def test_a_window_of_dollars_is_in_nano_dollars() -> None:
    governed = await Governed(limits=[limit(usd=Decimal(BOUND_NANO) / 10**9)]).start()
    assert (await governed.call(used(asking(), None, None))).granted
    assert not (await governed.call(asking())).granted


async def test_more_output_is_asked_for_and_refused_where_there_is_no_room() -> None:
    governed = await Governed(budgets=[budget(BOUND_NANO + 100 * 15000)]).start()
    reservation = governed.open(asking(maximum=None))
    assert (reservation.may_be_cut, reservation.slice_tokens) == (True, 100)
    assert (await governed.admit(reservation)).granted
    assert (await ruled(governed.governor.extend(reservation, 100))).granted
    refused = await ruled(governed.governor.extend(reservation, 1))
    assert refused.refused is not None
    reservation.answered = 200
    await governed.settle(reservation, used(asking(), 10, 180))
    assert await standing(governed, asking()) == 10 * 3000 + 180 * 15000


async def test_a_call_into_the_next_period_is_one_sum_in_two_budgets() -> None:
    clock = StoppedClock(at=NOON - timedelta(seconds=10))
    governed = await Governed(clock=clock, budgets=[budget(10 * BOUND_NANO, period=Period.HOUR)]).start()
    reservation = governed.open(asking(maximum=None))
    assert (await governed.admit(reservation)).granted
    clock.go(20)
    assert (await ruled(governed.governor.extend(reservation, 100))).granted
    assert len(governed.seeds) == 2
    reservation.answered = 200
    await governed.settle(reservation, used(asking(), 1000, 190))
    assert await standing(governed, asking()) == 1000 * 3000 + 190 * 15000 - BOUND_NANO


async def test_a_soft_budget_is_told_of_and_never_refuses() -> None:
    governed = await Governed(budgets=[budget(2 * BOUND_NANO, hard=False)]).start()
    for _ in range(4):
        assert (await governed.call(used(asking(), None, None))).granted
    assert [(item.percent, item.rule.id, item.tenant) for item in governed.crossed] == [
        (50, "monthly", "default"),
        (80, "monthly", "default"),
        (100, "monthly", "default"),
    ]
    assert {f"{item.ends:%Y-%m-%d}" for item in governed.crossed} == {"2026-12-01"}


async def test_a_hard_budget_that_refuses_is_told_of_as_spent_when_most_is() -> None:
    governed = await Governed(budgets=[budget(3 * BOUND_NANO)]).start()
    assert (await governed.call(used(asking(), None, None))).granted
    assert not (await governed.call(asking(maximum=500))).granted  # much room, but not for this one
    assert governed.crossed == []
    assert (await governed.call(used(asking(maximum=200), None, None))).granted
    assert [item.percent for item in governed.crossed] == [50]
    assert (await governed.call(used(asking(body_bytes=300, maximum=10), None, None))).granted
    assert not (await governed.call(asking())).granted
    assert [item.percent for item in governed.crossed] == [50, 80, 100]


async def test_a_call_that_no_rule_concerns_has_no_reservation() -> None:
    governed = await Governed(budgets=[budget(1, models=["claude-*"])]).start()
    assert governed.governor.open(asking(), body_bytes=10) is None


@pytest.fixture
async def remote() -> Remote:
    return Remote(StoppedClock())


async def started(remote: Remote, *, fallback: bool = True, **rules: object) -> Governed:
    own = MemoryCache(remote.clock) if fallback else None
    if own is not None:
        await own.start()
    return await Governed(clock=remote.clock, cache=remote, fallback=own, **rules).start()  # type: ignore[arg-type]


async def test_a_cache_elsewhere_is_raced_for_just_as_exactly(remote: Remote) -> None:
    governed = await started(remote, budgets=[budget(10 * BOUND_NANO)])
    went = await race(governed, 64, seed=7)
    assert 10 <= len(went) < 64
    assert len(governed.seeds) == 1


async def test_a_yes_that_was_never_heard_is_given_back(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_core.governing.counting._RETRY_S", (0.0, 0.0))
    governed = await started(remote, limits=[limit(tokens=1100)])
    admit = remote.admit

    async def unheard(ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        await admit(ticket, demands, hold_s=hold_s)
        raise StorageUnavailableError("no answer came in time")

    reservation = governed.open(asking())
    assert governed.fallback is not None  # which has no room for this call
    await governed.fallback.admit("other", [reservation.counters.all[0].demand(1100, 0)], hold_s=900)
    remote.admit = unheard  # type: ignore[method-assign]
    assert not (await governed.admit(reservation)).granted
    remote.admit = admit  # type: ignore[method-assign]
    assert await standing(governed, asking()) == 1100
    await governed.settle(reservation, asking())
    assert await standing(governed, asking()) == 0


async def test_a_call_that_ends_while_it_still_asks_gives_back_what_it_gets(remote: Remote) -> None:
    governed = await started(remote, budgets=[budget(10 * BOUND_NANO)])
    reservation = governed.open(asking())
    asking_still = governed.governor.admit(reservation)
    await governed.settle(reservation, used(asking(), None, None))
    assert (await ruled(asking_still)).granted
    assert await standing(governed, asking()) == 0


async def test_what_took_only_from_buckets_needs_no_settling(remote: Remote) -> None:
    governed = await started(remote, limits=DEFAULT_LIMITS)
    assert (await governed.call(asking())).granted
    assert remote.asked == 1


async def test_limits_hold_in_the_workers_own_memory_while_the_cache_is_away(
    remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    governed = await started(remote, limits=[limit(requests_per_s=1, burst=3)])
    remote.away = True
    with caplog.at_level(logging.WARNING):
        granted = [(await governed.call(asking())).granted for _ in range(10)]
    assert granted == [True] * 3 + [False] * 7
    assert governed.fell_back == 10
    assert remote.asked == 3  # then it is left alone for a while
    assert len(caplog.records) == 1
    remote.away = False
    governed.clock.go(5)
    assert [(await governed.call(asking())).granted for _ in range(4)] == [True] * 3 + [False]
    assert governed.fell_back == 10
    assert "have their cache again" in caplog.text


async def test_without_its_cache_a_call_is_refused_where_the_settings_say_so(remote: Remote) -> None:
    governed = await started(remote, fallback=False, limits=DEFAULT_LIMITS)
    remote.away = True
    ruling = await governed.call(asking())
    assert (ruling.granted, ruling.away) == (False, True)


async def test_a_cache_that_lost_its_budgets_is_begun_anew(remote: Remote) -> None:
    governed = await started(remote, budgets=[budget(3 * BOUND_NANO)], spent_before=BOUND_NANO)
    assert (await governed.call(used(asking(), None, None))).granted
    await remote.forget()
    assert (await governed.call(used(asking(), None, None))).granted
    assert len(governed.seeds) == 2


async def test_a_cache_that_never_keeps_a_budget_is_as_good_as_away(remote: Remote) -> None:
    governed = await started(remote, fallback=False, budgets=[budget(3 * BOUND_NANO)])

    async def flushed(name: str, amount: int, *, ends_s: float) -> None:
        await remote.forget()

    remote.seed = flushed  # type: ignore[method-assign]
    assert (await governed.call(asking())).away


async def test_a_call_counted_in_two_places_is_settled_in_both(remote: Remote) -> None:
    governed = await started(remote, budgets=[budget(10 * BOUND_NANO)])
    reservation: Reservation = governed.open(asking(maximum=None))
    assert (await governed.admit(reservation)).granted
    remote.away = True
    assert (await ruled(governed.governor.extend(reservation, 100))).granted
    remote.away = False
    reservation.answered = 200
    await governed.settle(reservation, used(asking(), 10, 150))
    assert await standing(governed, asking()) == 10 * 3000 + 150 * 15000
    assert len(reservation.places) == 2


async def test_a_settlement_that_never_reaches_its_cache_leaves_the_reservation_spent(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch_core.governing.counting._RETRY_S", (0.0, 0.0))
    governed = await started(remote, budgets=[budget(10 * BOUND_NANO)])
    reservation = governed.open(asking())
    assert (await governed.admit(reservation)).granted
    remote.away = True
    reservation.answered = 200
    await governed.settle(reservation, used(asking(), 1, 1))
    assert (governed.lost, governed.counting.available) == (1, False)
    remote.away = False
    assert await standing(governed, asking()) == BOUND_NANO


def flat(exchange: Exchange) -> Exchange:
    """The same call, paid for by a subscription."""
    return replace(exchange, endpoint=replace(exchange.endpoint, subscription=True))


async def test_a_subscription_spends_no_budget_but_its_calls_and_tokens_count() -> None:
    rules = [limit(id="calls", concurrent=1), limit(id="tokens", tokens=10_000, window_s=60)]
    governed = await Governed(limits=rules, budgets=[budget(1)]).start()
    assert not (await governed.call(asking())).granted
    call = flat(used(asking(), 900, 50))
    assert (await governed.call(call)).granted
    assert await standing(governed, call) == 950
    held = governed.open(call)
    assert (await governed.admit(held)).granted
    assert not (await governed.call(call)).granted


async def test_a_budget_may_count_what_the_api_would_charge() -> None:
    governed = await Governed(budgets=[budget(BOUND_NANO, count_subscriptions=True)]).start()
    call = flat(used(asking(), 1000, 100))
    assert (await governed.call(call)).granted
    assert await standing(governed, call) == 1000 * 3000 + 100 * 15000
    assert not (await governed.call(call)).granted


async def test_counting_tokens_uses_none() -> None:
    governed = await Governed(limits=[limit(tokens=10)], budgets=[budget(1)]).start()
    opened = asking()
    assert opened.response is not None
    request = replace(opened.request, operation=Operation.COUNT_TOKENS)
    count = replace(opened, request=request, response=replace(opened.response, usage=None))
    assert (await governed.call(count)).granted
    assert await standing(governed, count) == 0


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [(None, 0), (Usage(tool_fees={"audio_seconds": 9}), 0), (Usage(input_tokens=14, output_tokens=5), 19)],
)
@pytest.mark.parametrize(
    "operation", [Operation.TRANSCRIPTION, Operation.IMAGE, Operation.SPEECH, Operation.MODERATION]
)
async def test_what_is_billed_by_other_counts_uses_the_tokens_it_counts(
    operation: Operation, usage: Usage | None, tokens: int
) -> None:
    governed = await Governed(limits=[limit(tokens=500_000, window_s=60)]).start()
    opened = asking()
    assert opened.response is not None
    request = replace(opened.request, operation=operation)
    made = replace(opened, request=request, response=replace(opened.response, usage=usage))
    assert (await governed.call(made)).granted
    assert await standing(governed, made) == tokens
