"""`midwatch anomaly replay` judges what is kept as it would have been judged when it came."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from midwatch_anomaly.commanding.kept import hours, measured_row
from midwatch_anomaly.commanding.words import run
from midwatch_anomaly.measuring import measured
from midwatch_anomaly.settings import Settings
from midwatch_core import (
    Action,
    ConfigError,
    Cost,
    CostBasis,
    Exchange,
    Finding,
    Host,
    Metrics,
    ProviderError,
    Queries,
    Role,
    Severity,
    Timing,
    Verdict,
    row_of,
)
from midwatch_core.testing import make_exchange, make_response
from midwatch_memory.traces import MemoryTraces

NOW = datetime(2026, 3, 5, 12, 20, 30, tzinfo=UTC)
QUICK = Settings(bucket_s=600, warm_up_h=6, min_samples=20, drift=False)
SPIKE = NOW - timedelta(hours=3)


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def host_of(home: Path, exchanges: Sequence[Exchange] | None = None) -> Host:
    @asynccontextmanager
    async def stored() -> AsyncIterator[Queries]:
        traces = MemoryTraces()
        await traces.start()
        await traces.put(exchanges or [])
        yield Queries(traces=traces)

    return Host(
        role=Role.COMMAND,
        home=home,
        metrics=Metrics(),
        clock=Clock(),
        stored=None if exchanges is None else stored,
    )


def month_of(tenant: str = "acme", *, factor: int = 100) -> list[Exchange]:
    """Two days of calls, three in ten minutes; for half an hour they cost so many times as much."""
    made = []
    for number in range(3 * 6 * 48):
        at = NOW - timedelta(hours=48) + timedelta(minutes=10 * number / 3, seconds=20)
        times = factor if SPIKE <= at < SPIKE + timedelta(minutes=30) else 1
        cost = Cost(amount=Decimal("0.05") * times * (1 + number % 2))
        made.append(make_exchange(tenant=tenant, started_at=at, cost=cost))
    return made


def test_what_would_have_fired_is_told_with_why_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(QUICK, host_of(tmp_path, month_of()), ["replay", "--since", "48h", "--json"]) == 1
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 1
    fired = rows[0]
    assert (fired["tenant"], fired["metric"], fired["side"]) == ("acme", "cost_usd", "high")
    assert SPIKE <= datetime.fromisoformat(fired["began"]) <= SPIKE + timedelta(minutes=20)
    assert datetime.fromisoformat(fired["over"]) > SPIKE + timedelta(minutes=30)
    assert {"value", "usual", "sigma", "deviations", "since", "agents"} <= set(fired["details"])
    assert "864 calls of 1 tenants" in err
    assert "1 anomalies" in err


def test_as_text_each_has_a_line_and_what_explains_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(QUICK, host_of(tmp_path, month_of()), ["replay", "--since", "48h"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "Cost of acme" in lines[0]
    assert any(line.startswith("  usual: ") for line in lines)


def test_quiet_traffic_fires_nothing_and_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(QUICK, host_of(tmp_path, month_of(factor=1)), ["replay", "--since", "48h"]) == 0
    assert capsys.readouterr().out == ""


def test_a_wider_sigma_and_another_tenant_fire_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchanges = [*month_of(factor=20), *month_of("other", factor=1)]
    assert run(QUICK, host_of(tmp_path, exchanges), ["replay", "--since", "48h"]) == 1
    assert run(QUICK, host_of(tmp_path, exchanges), ["replay", "--since", "48h", "--sigma", "20"]) == 0
    assert run(QUICK, host_of(tmp_path, exchanges), ["replay", "--since", "48h", "--tenant", "other"]) == 0
    assert run(QUICK, host_of(tmp_path, exchanges), ["replay", "--since", "48h", "--until", "4h"]) == 0
    assert capsys.readouterr().out.count("Cost of acme") == 1


def test_one_that_still_goes_on_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    until = (SPIKE + timedelta(minutes=25)).isoformat()
    words = ["replay", "--since", "2026-03-03T12:20", "--until", until, "--json"]
    assert run(QUICK, host_of(tmp_path, month_of()), words) == 1
    assert json.loads(capsys.readouterr().out)["over"] is None


def test_a_store_without_calls_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(QUICK, host_of(tmp_path, []), ["replay", "--since", "2d"]) == 0
    assert "0 calls of 0 tenants" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["nosuch"], ["replay", "--since", "yesterday"], ["replay", "--sigma", "x"]])
def test_words_that_are_none_are_told_and_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(QUICK, host_of(tmp_path), words)
    assert ended.value.code == 2


def test_a_sigma_that_is_none_and_a_home_without_a_store_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--sigma 0"):
        run(QUICK, host_of(tmp_path, []), ["replay", "--sigma", "0"])
    with pytest.raises(ConfigError, match="there is no store here"):
        run(QUICK, host_of(tmp_path), ["replay"])


FINDING = Finding(
    id="1", rule="pack/rule", category="secret", severity=Severity.LOW, confidence=1.0, message="a key", plugin="p"
)
ANSWER = make_response("")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": None, "response": None, "error": "upstream closed early"},
        {"error": "client disconnected", "response": None},
        {"response": replace(ANSWER, error=ProviderError(type="overloaded", message=None))},
        {"verdicts": (Verdict(action=Action.BLOCK),), "status": 403},
        {"cost": Cost(amount=Decimal(3), basis=CostBasis.API_EQUIVALENT)},
        {"cost": None},
        {"findings": (FINDING,)},
        {"findings": (replace(FINDING, rule="anomaly/loop-tool", category="anomaly"),)},
        {"timing": Timing()},
        {"status": 429},
    ],
    ids=range(11),
)
def test_a_row_measures_as_its_call_does(changes: dict[str, Any]) -> None:
    exchange = make_exchange(**changes)
    assert measured_row(row_of(exchange)) == measured(exchange)


async def test_every_call_is_read_once_whatever_the_page_and_the_hour() -> None:
    traces = MemoryTraces()
    await traces.start()
    begin = NOW - timedelta(hours=3)
    await traces.put([make_exchange(started_at=begin + timedelta(seconds=4 * number)) for number in range(2500)])
    read = [hour async for hour in hours(Queries(traces=traces), QUICK, since=begin, until=NOW, tenant=None)]
    assert sum(hour.calls for hour in read) == 2500
    assert [hour.until.minute for hour in read] == [0, 0, 0, 20]
