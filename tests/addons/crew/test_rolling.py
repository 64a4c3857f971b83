"""What is done next: missing workers first, then one replacement after the other, control where it costs the least."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.crew.rolling import MIN_LIFE_S, Act, Seen, Step, Why, is_settled, next_step
from midwatch.crew.wanted import Wanted

OLD, NEW = {"upstream_ca": None}, {"upstream_ca": "/ca.pem"}
LONG_S = MIN_LIFE_S + 1
WANTED = Wanted(
    workers=2, memory_bytes=1024**2, age_s=7200, drain_s=1, rolling_drain_s=1, for_workers=OLD, for_control=OLD
)


def told(wanted: Wanted, *workers: Seen, control: Any = OLD) -> Step | None:
    return next_step(wanted, workers, control)


def seen(settled: Any = OLD, lived_s: float = LONG_S, **more: Any) -> Seen:
    return Seen(settled=settled, lived_s=lived_s, **more)


def test_where_all_is_as_it_should_be_nothing_is_done() -> None:
    assert told(WANTED, seen(), seen()) is None


@pytest.mark.parametrize(
    ("workers", "step"),
    [
        ([seen()], Step(act=Act.ADD, index=1)),
        ([seen(), seen(), seen(NEW)], Step(act=Act.END, index=2)),
        ([seen(), seen(NEW)], Step(act=Act.REPLACE, index=1, says="news of upstream_ca")),
        ([seen(NEW), seen(NEW)], Step(act=Act.REPLACE, index=0, says="news of upstream_ca")),
        ([seen(NEW, waits=True), seen(NEW)], Step(act=Act.REPLACE, index=1, says="news of upstream_ca")),
        ([seen(NEW, waits=True), seen()], None),
        ([seen(NEW, lived_s=0.0), seen()], Step(act=Act.REPLACE, index=0, says="news of upstream_ca")),
        ([seen(large=True), seen()], Step(act=Act.REPLACE, why=Why.MEMORY, says="more than 1 MB of memory")),
        ([seen(large=True, lived_s=MIN_LIFE_S - 1), seen()], None),
        ([seen(), seen(lived_s=7200)], Step(act=Act.REPLACE, index=1, why=Why.AGE, says="2.0 hours of age")),
    ],
)
def test_one_step_at_a_time(workers: list[Seen], step: Step | None) -> None:
    assert told(WANTED, *workers) == step


def test_no_age_is_no_limit() -> None:
    assert told(replace(WANTED, age_s=0), seen(lived_s=1e9), seen(lived_s=1e9)) is None


def test_control_comes_last() -> None:
    wanted = replace(WANTED, for_workers=NEW, for_control=NEW)
    assert told(wanted, seen(), seen()) == Step(act=Act.REPLACE, says="news of upstream_ca")
    assert told(wanted, seen(NEW), seen(NEW)) == Step(act=Act.RENEW_CONTROL, says="news of upstream_ca")
    assert told(wanted, seen(waits=True), seen(NEW)) == Step(act=Act.RENEW_CONTROL, says="news of upstream_ca")


def test_control_comes_first_where_the_store_is_another() -> None:
    other = {"storage.traces": "sqlite:///other.db"}
    wanted = replace(WANTED, for_workers=other, for_control=other)
    assert told(wanted, seen(), seen()) == Step(act=Act.RENEW_CONTROL, says="news of storage.traces")
    assert told(wanted, seen(), seen(), control=other) == Step(act=Act.REPLACE, says="news of storage.traces")


def test_one_that_could_not_be_added_holds_nothing_else_up() -> None:
    assert next_step(WANTED, [seen()], OLD, may_add=False) is None
    step = next_step(WANTED, [seen(NEW)], OLD, may_add=False)
    assert step == Step(act=Act.REPLACE, says="news of upstream_ca")


def test_settled_is_when_all_are_there_by_what_is_wanted() -> None:
    assert is_settled(WANTED, [seen(), seen()])
    assert not is_settled(WANTED, [seen()])
    assert not is_settled(WANTED, [seen(), seen(NEW, waits=True)])


@given(st.integers(1, 64), st.lists(st.sampled_from([OLD, NEW]), max_size=64), st.sampled_from([OLD, NEW]))
def test_whatever_runs_becomes_what_is_wanted_in_few_steps(count: int, settled: list[Any], control: Any) -> None:
    wanted = replace(WANTED, workers=count, for_workers=NEW, for_control=NEW)
    workers = [seen(item) for item in settled]
    for _ in range(len(workers) + count + 2):
        step = next_step(wanted, workers, control)
        if step is None:
            break
        match step.act:
            case Act.ADD:
                workers.append(seen(NEW))
            case Act.END:
                workers.pop()
            case Act.REPLACE:
                workers[step.index] = seen(NEW)
            case Act.RENEW_CONTROL:
                control = NEW
    assert ([worker.settled for worker in workers], control) == ([NEW] * count, NEW)
