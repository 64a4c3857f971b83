# ruff: noqa: D102  # a test's name is its documentation
"""What a TraceRepository says about how calls went: part of TraceRepositoryContract."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch_core.activity import (
    TTFT_BOUNDS_MS,
    TTFT_CLASSES,
    ActivityRow,
    ActivitySum,
    activity_of,
    most_calls_first,
)
from midwatch_core.errors import StorageError
from midwatch_core.listing import row_of
from midwatch_core.model.content import ProviderError
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.timing import Timing
from midwatch_core.ports import COST_KEYS, ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import BEGINNING, make_exchange, make_response
from midwatch_core.testing.findings_contract import found

_EVERYONE = Scope()
_ALL = ExchangeFilter()
_PERIODS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}
_VALUES: dict[str, tuple[Any, ...]] = {
    "tenant": ("acme", "default"),
    "app": ("mail", None),
    "agent": ("coder", None),
    "key_id": ("k1", None),
    "user": ("ada", "bob", None),
}


def verdict(action: Action, *, dry_run: bool = False) -> Verdict:
    """A decision on no finding."""
    return Verdict(action=action, dry_run=dry_run)


def failing(*, type_: str | None = "overloaded", message: str | None = None) -> Exchange:
    """A call whose answer says that something went wrong, under a status that does not."""
    return make_exchange(response=replace(make_response(""), error=ProviderError(type=type_, message=message)))


def _random(chance: random.Random) -> Exchange:
    value = {name: chance.choice(values) for name, values in _VALUES.items()}
    beginning = chance.choice([BEGINNING, BEGINNING.replace(hour=0), datetime(1969, 12, 31, tzinfo=UTC)])
    edge = timedelta(microseconds=chance.choice([0, -1, 1, chance.randrange(10**10)]))
    ttft_ms = chance.choice([None, 0.0, *TTFT_BOUNDS_MS, chance.uniform(0, 40_000), 1e9])
    made = make_exchange(
        model=chance.choice(("big", "small")),
        started_at=beginning + timedelta(hours=chance.randrange(50)) + edge,
        identity=Identity(**value),
        status=chance.choice([200, 200, 399, 400, 503, None]),
        error=chance.choice([None, None, "client disconnected", ""]),
        timing=Timing(ttft_ms=ttft_ms),
        verdicts=(verdict(chance.choice(list(Action)), dry_run=chance.random() < 0.3),),
        findings=(found(),) if chance.random() < 0.4 else (),
        session=chance.choice(["s", None]),
        trace_id=chance.choice(["t", "u"]),
    )
    return replace(made, response=failing().response) if chance.random() < 0.2 else made


def _filter(chance: random.Random) -> ExchangeFilter:
    names = chance.sample(list(_VALUES), chance.choice([0, 0, 1, 2]))
    wanted: dict[str, Any] = {name: _VALUES[name][0] for name in names}
    if chance.random() < 0.2:
        wanted["trace_id"] = "t"
    if chance.random() < 0.1:
        wanted["session"] = "s"
    for name in ("since", "until"):
        if chance.random() < 0.5:
            wanted[name] = BEGINNING + timedelta(hours=chance.randrange(50), minutes=chance.choice([0, 7]))
    return ExchangeFilter(**wanted)


def _wants(exchange: Exchange, scope: Scope, wanted: ExchangeFilter) -> bool:
    row = row_of(exchange)
    return (
        scope.allows(row.tenant)
        and (wanted.since is None or row.started_at >= wanted.since)
        and (wanted.until is None or row.started_at < wanted.until)
        and all(getattr(wanted, name) in (None, getattr(row, name)) for name in (*_VALUES, "trace_id", "session"))
    )


def _added_up(exchanges: Sequence[Exchange], by: Sequence[str]) -> list[ActivityRow]:
    sums: dict[tuple[str | None, ...], ActivitySum] = {}
    for exchange in exchanges:
        row = row_of(exchange)
        moment = row.started_at.astimezone(UTC)
        group = tuple(moment.strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)
        sums.setdefault(group, ActivitySum()).add(activity_of(exchange))
    return most_calls_first(total.row(group) for group, total in sums.items())


class TraceActivityContract:
    """Counts of errors, refusals, findings and times to first token, by group, in scope of a filter."""

    pytestmark = pytest.mark.asyncio

    async def test_each_call_is_counted_for_what_became_of_it(self, repository: TraceRepository) -> None:
        calls = {
            "fine": [make_exchange(), make_exchange(status=399), make_exchange(verdicts=(verdict(Action.REDACT),))],
            "broken": [
                make_exchange(status=None, response=None),
                make_exchange(status=400),
                make_exchange(error="client disconnected"),
                failing(),
                failing(type_=None, message="try later"),
                failing(type_=None),
                make_exchange(status=500, verdicts=(verdict(Action.BLOCK, dry_run=True),)),
            ],
            "refused": [
                make_exchange(status=403, verdicts=(verdict(action),)) for action in (Action.CUT, Action.BLOCK)
            ],
            "flagged": [make_exchange(findings=(found(1), found(2)))],
        }
        await repository.put([replace(one, session=name) for name, several in calls.items() for one in several])
        counted = {}
        for name in calls:
            (row,) = await repository.activity(_EVERYONE, ExchangeFilter(session=name), by=[])
            counted[name] = (row.calls, row.errors, row.refused, row.flagged)
        assert counted == {
            "fine": (3, 0, 0, 0),
            "broken": (7, 7, 0, 0),
            "refused": (2, 0, 2, 0),
            "flagged": (1, 0, 0, 1),
        }
        (row,) = await repository.activity(_EVERYONE, _ALL, by=[])
        assert (row.calls, row.errors, row.refused, row.flagged) == (13, 7, 2, 1)

    async def test_times_to_first_token_are_counted_in_classes(self, repository: TraceRepository) -> None:
        times = [0.0, *TTFT_BOUNDS_MS, *(bound + 0.5 for bound in TTFT_BOUNDS_MS), None]
        await repository.put([make_exchange(timing=Timing(ttft_ms=time)) for time in times])
        (row,) = await repository.activity(_EVERYONE, _ALL, by=["model"])
        assert row.ttft == (2, *[2] * (TTFT_CLASSES - 2), 1)
        assert row.calls == sum(row.ttft) + 1
        moment = BEGINNING - timedelta(days=1)
        await repository.put([make_exchange(started_at=moment, timing=Timing(ttft_ms=time)) for time in times])
        ragged = ExchangeFilter(since=moment, until=moment + timedelta(microseconds=1))
        (row,) = await repository.activity(_EVERYONE, ragged, by=[])
        assert row.ttft == (2, *[2] * (TTFT_CLASSES - 2), 1)

    async def test_activity_by_group_most_calls_first(self, repository: TraceRepository) -> None:
        await repository.put([make_exchange(model=model) for model in ("b", "a", "c", "c")])
        rows = await repository.activity(_EVERYONE, _ALL, by=["model", "app"])
        assert [(row.group, row.calls) for row in rows] == [
            (("c", "editor"), 2),
            (("a", "editor"), 1),
            (("b", "editor"), 1),
        ]

    async def test_activity_stays_in_scope(self, repository: TraceRepository) -> None:
        await repository.put([make_exchange(tenant="ours"), make_exchange(tenant="theirs")])
        rows = await repository.activity(Scope(tenants=frozenset({"ours"})), _ALL, by=["tenant"])
        assert [row.group for row in rows] == [("ours",)]
        assert list(await repository.activity(Scope(tenants=frozenset()), _ALL, by=[])) == []

    async def test_a_text_asks_nothing_of_activity(self, repository: TraceRepository) -> None:
        await repository.put([make_exchange()])
        (row,) = await repository.activity(_EVERYONE, ExchangeFilter(text="nobody said this"), by=[])
        assert row.calls == 1

    async def test_activity_refuses_what_makes_no_sense(self, repository: TraceRepository) -> None:
        with pytest.raises(StorageError):
            await repository.activity(_EVERYONE, _ALL, by=["colour"])
        with pytest.raises(StorageError):
            await repository.activity(_EVERYONE, ExchangeFilter(since=datetime(2026, 1, 1)), by=[])  # meant

    @pytest.mark.parametrize("seed", range(2))
    async def test_activity_is_that_of_the_exchanges_there_are(self, repository: TraceRepository, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        kept: list[Exchange] = []
        for _ in range(3):
            kept += (new := [_random(chance) for _ in range(50)])
            await repository.put(new)
            await self.same_activity(repository, chance, kept)
            wanted = _filter(chance)
            await repository.delete(_EVERYONE, wanted)
            kept = [one for one in kept if not _wants(one, _EVERYONE, wanted)]
            await self.same_activity(repository, chance, kept)
        await repository.delete(_EVERYONE, _ALL)
        assert list(await repository.activity(_EVERYONE, _ALL, by=[])) == []

    async def same_activity(self, repository: TraceRepository, chance: random.Random, kept: Sequence[Exchange]) -> None:
        """Ask for some counts, and count the exchanges."""
        for _ in range(10):
            wanted, by = _filter(chance), chance.sample(COST_KEYS, chance.choice([0, 1, 1, 2, 3]))
            scope = Scope(tenants=frozenset({"acme"})) if chance.random() < 0.2 else _EVERYONE
            expected = _added_up([one for one in kept if _wants(one, scope, wanted)], by)
            assert list(await repository.activity(scope, wanted, by=by)) == expected, (wanted, by)
