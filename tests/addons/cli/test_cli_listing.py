"""`traces`, `traces show`, `costs` and `tail` over a store that no control serves."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.cli.listing import moment
from midwatch.home import Home
from midwatch_core.errors import ConfigError
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.segment import Direction
from midwatch_core.testing.factories import make_exchange
from tests.addons.cli.conftest import put


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_traces_are_newest_first(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "--json"]) == 0
    assert [row["id"] for row in printed(capsys)] == [exchange.id for exchange in reversed(kept)]


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["--limit", "1"], [2]),
        (["--model", "gpt-5"], [1]),
        (["--status", "429"], [1]),
        (["--provider", "anthropic"], []),
        (["--app", "editor"], [2, 1, 0]),
        (["--since", "2026-01-01"], [2, 1, 0]),
        (["--since", "2100-01-01"], []),
    ],
)
def test_traces_are_filtered(
    kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str], words: list[str], which: list[int]
) -> None:
    assert main(["traces", "--json", *words]) == 0
    assert [row["id"] for row in printed(capsys)] == [kept[index].id for index in which]


def test_a_table_for_people(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces"]) == 0
    out = capsys.readouterr().out
    assert "gpt-5-mini" in out
    assert "$0.000123" in out


@pytest.mark.parametrize("words", [["traces"], ["traces", "--json"], ["costs", "--json"]])
def test_a_home_without_calls(home: Home, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == ""


def test_one_exchange_for_a_script_and_for_a_person(
    kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["traces", "show", kept[2].id, "--json"]) == 0
    (shown,) = printed(capsys)
    assert shown["exchange"]["response"]["segments"][0]["text"] == "Lisbon \x1b[31mred"
    assert main(["traces", "show", kept[2].id]) == 0
    out = capsys.readouterr().out
    assert "What is the capital of France?" in out
    assert "\x1b" not in out


def test_an_exchange_that_is_not_there_is_1(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "show", "nosuch"]) == 1
    assert capsys.readouterr().err == "midwatch: no exchange nosuch\n"


def test_costs_are_summed_by_group(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--by", "model,app", "--json"]) == 0
    rows = {row["model"]: row for row in printed(capsys)}
    assert (rows["gpt-5-mini"]["calls"], rows["gpt-5"]["calls"]) == (2, 1)
    assert rows["gpt-5-mini"]["cost_usd"] == pytest.approx(0.000246)
    assert rows["gpt-5"]["app"] == "editor"


def test_tail_where_nothing_runs_is_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tail"]) == 1
    assert "nothing runs in" in capsys.readouterr().err


def test_a_store_that_cannot_be_read_is_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.root / "midwatch.db").write_bytes(b"this is no database" * 1000)
    assert main(["traces"]) == 1
    assert capsys.readouterr().err.startswith("midwatch: ")


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 7 * 86400)])
def test_moments_ago(text: str, ago: int) -> None:
    at = moment(text)
    assert at is not None
    assert abs(datetime.now(UTC) - timedelta(seconds=ago) - datetime.fromisoformat(at)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (None, None),
        ("2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("2026-11-23T08:00:00+02:00", "2026-11-23T08:00:00+02:00"),
    ],
)
def test_moments_by_name(text: str | None, means: str | None) -> None:
    assert moment(text) == means


@pytest.mark.parametrize("text", ["", "h", "1w", "-1h", "9999999d", "999999d", "yesterday"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ConfigError, match="--since"):
        moment(text)


@pytest.fixture
def subscribed(home: Home) -> str:
    """The id of a call that a subscription paid for, kept beside one that was billed."""
    flat = Cost(amount=Decimal("0.5"), basis=CostBasis.API_EQUIVALENT)
    put(home, [make_exchange(), exchange := make_exchange(cost=flat)])
    return exchange.id


def test_what_a_subscription_pays_is_marked(subscribed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["traces"], ["traces", "show", subscribed], ["costs"]):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert "≈$0.500000" in out
        assert "≈ what the API would charge" in out
    assert main(["traces", "--json"]) == 0
    assert [row["cost_basis"] for row in printed(capsys)] == ["api_equivalent", "metered"]
    assert main(["costs", "--json"]) == 0
    (row,) = printed(capsys)
    assert (row["cost_usd"], row["api_equivalent_usd"]) == (pytest.approx(0.000123), 0.5)


def test_nothing_is_marked_where_all_is_billed(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["traces"], ["traces", "show", kept[0].id], ["costs"]):
        assert main(command) == 0
        assert "≈" not in capsys.readouterr().out


def test_a_finding_that_explains_itself_is_read_line_by_line(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    said = "prompt injection, 0.97: rules +2.1 (ignore-previous 0.80), defender/main +3.0 (0.99), trigger words -0.4"
    call = make_exchange()
    found = Finding(
        id="f-1",
        rule="ensemble/prompt-injection",
        category="prompt_injection",
        severity=Severity.HIGH,
        confidence=0.97,
        message=said,
        direction=Direction.REQUEST,
    )
    put(home, [replace(call, findings=(found, replace(found, id="f-2", evidence="do not tell", start=0, end=11)))])
    assert main(["traces", "show", call.id]) == 0
    out = capsys.readouterr().out
    assert (
        """findings
  high     ensemble/prompt-injection  call: prompt injection, 0.97
             rules          +2.1  ignore-previous 0.80
             defender/main  +3.0  0.99
             trigger words  -0.4
  high     ensemble/prompt-injection  call 0-11: do not tell
           prompt injection, 0.97
             rules          +2.1"""
        in out
    )
    assert main(["findings", "--json"]) == 0
    assert {row["message"] for row in printed(capsys)} == {said}
    assert main(["findings"]) == 0
    assert "prompt injection, 0.97 " in capsys.readouterr().out + " "
