"""`policy` and `findings`: what policies there are, what they would do, and what they did to calls that are kept."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.segment import Part
from midwatch_core.storage import open_storage, storage_profile
from midwatch_core.testing.factories import make_exchange

BLOCKS = """
policy: {id: own}
lines:
  - {id: tried, when: {category: pii}, then: redact, dry_run: true}
  - id: injections
    when: {category: prompt_injection}
    then: block
    exceptions:
      - {reason: "the red team's week", expires: 2026-03-02, when: {tenant: red}}
"""


def finding(number: int, category: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        id=f"f{number}",
        rule=f"pack/{category}",
        category=category,
        severity=severity,
        confidence=0.8,
        message="m",
        owasp=("LLM01:2025",),
        part=Part.USER,
        path="/messages/1/content",
        start=3,
        end=9,
        evidence="what \x1b[31m",
        plugin="rules",
    )


def flagged(*found: Finding, tenant: str = "default") -> Exchange:
    verdict = Verdict(
        action=Action.FLAG, findings=tuple(item.id for item in found), policy_line="record-all", policy="observe"
    )
    return replace(make_exchange(tenant=tenant), findings=found, verdicts=(verdict,))


@pytest.fixture
def stored(home: Home) -> Sequence[Exchange]:
    """Four calls, oldest first: an injection, personal data, nothing, an injection of another tenant."""
    exchanges = [
        flagged(finding(1, "prompt_injection"), finding(2, "secret", Severity.LOW)),
        flagged(finding(3, "pii", Severity.MEDIUM)),
        make_exchange(),
        flagged(finding(4, "prompt_injection"), tenant="red"),
    ]

    async def put() -> None:
        settings = resolve(home, config_file=None, flags={})
        storage = open_storage(settings.plugins, storage_profile(settings.config, home.root))
        await storage.start()
        await storage.traces.put(exchanges)
        await storage.close()

    asyncio.run(put())
    return exchanges


@pytest.fixture
def own(tmp_path: Path) -> str:
    file = tmp_path / "own.policy.yaml"
    file.write_text(BLOCKS)
    return str(file)


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_findings_have_the_stable_keys(stored: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["findings", "--json"]) == 0
    rows = printed(capsys)
    assert [row["id"] for row in rows] == ["f4", "f3", "f1", "f2"]
    stable = "id exchange_id at tenant rule category owasp severity confidence part start end plugin action"
    assert list(rows[0])[:14] == stable.split()
    assert (rows[0]["exchange_id"], rows[0]["tenant"], rows[0]["action"]) == (stored[3].id, "red", "flag")
    assert rows[0]["at"] == stored[3].started_at.isoformat()


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--category", "pii"], ["f3"]),
        (["--severity", "high"], ["f4", "f1"]),
        (["--limit", "2"], ["f4", "f3"]),
        (["--tenant", "red"], ["f4"]),
        (["--since", "2100-01-01"], []),
        (["--category", "nosuch"], []),
    ],
)
def test_findings_are_chosen(
    stored: Sequence[Exchange], capsys: pytest.CaptureFixture[str], words: list[str], ids: list[str]
) -> None:
    assert main(["findings", "--json", *words]) == 0
    assert [row["id"] for row in printed(capsys)] == ids


def test_findings_for_people(stored: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["findings"]) == 0
    out = capsys.readouterr().out
    assert "pack/prompt_injection" in out
    assert "\x1b" not in out
    assert main(["findings", "--severity", "worst"]) == 2
    assert "--severity worst: there are info, low" in capsys.readouterr().err


def test_a_home_without_calls_has_no_findings(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["findings", "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_simulate_shows_what_would_have_changed(
    stored: Sequence[Exchange], own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "simulate", own, "--json"]) == 0
    red, pii, injection, summary = printed(capsys)
    assert (red["id"], red["before"], red["after"], red["line"]) == (stored[3].id, "flag", "allow", None)
    assert (pii["after"], pii["dry_run"], pii["dry_run_line"]) == ("allow", "redact", "tried")
    assert (injection["id"], injection["before_line"]) == (stored[0].id, "record-all")
    assert (injection["after"], injection["line"], injection["rules"]) == (
        "block",
        "injections",
        ["pack/prompt_injection"],
    )
    assert summary == {
        "summary": {
            "policy": own,
            "with_findings": 3,
            "changed": 3,
            "changes": {"flag → allow": 2, "flag → block": 1},
        }
    }
    assert main(["policy", "simulate", own]) == 0
    assert "3 of 3 exchanges with findings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "seen"), [(["observe"], 3), (["observe", "--limit", "2"], 1), (["observe", "--since", "2100-01-01"], 0)]
)
def test_simulating_what_is_in_use_changes_nothing(
    stored: Sequence[Exchange], capsys: pytest.CaptureFixture[str], words: list[str], seen: int
) -> None:
    assert main(["policy", "simulate", "--json", *words]) == 0
    (row,) = printed(capsys)
    assert (row["summary"]["with_findings"], row["summary"]["changed"]) == (seen, 0)


def test_explain_goes_through_the_lines(
    stored: Sequence[Exchange], own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "explain", stored[0].id, "--policy", own]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pack/prompt_injection (prompt_injection, high, 0.80, request, user)",
        "  tried: no, category differs",
        "  injections: block",
        "pack/secret (secret, low, 0.80, request, user)",
        "  tried: no, category differs",
        "  injections: no, category differs",
        "  no line: allow",
        f"{own}: block",
        "recorded: flag by observe/record-all",
    ]
    assert main(["policy", "explain", stored[3].id, "--policy", own, "--json"]) == 0
    (row,) = printed(capsys)
    assert row["action"] == "allow"
    assert "  injections: allow (exception: the red team's week)" in row["explain"]
    assert main(["policy", "explain", stored[0].id]) == 0
    assert "  record-all: flag" in capsys.readouterr().out
    assert main(["policy", "explain", "nosuch"]) == 1


def test_list_and_show(home: Home, own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "list", "--json"]) == 0
    rows = {row["name"]: row for row in printed(capsys)}
    assert {"observe", "balanced", "strict"} <= set(rows)
    assert [name for name, row in rows.items() if row["used"]] == ["observe"]
    home.config_file.write_text(f"policy: {own}")
    assert main(["policy", "list"]) == 0
    assert own in capsys.readouterr().out
    assert main(["policy", "show"]) == 0
    assert capsys.readouterr().out == BLOCKS.rstrip("\n") + "\n"
    assert main(["policy", "show", "strict", "--json"]) == 0
    (shown,) = printed(capsys)
    assert (shown["policy"]["id"], shown["source"]) == ("strict", "shipped")
    assert main(["policy", "show", "nosuch"]) == 2


def test_the_default_holds_where_nobody_ships_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.config_file.write_text("plugins: {allow: [rules]}")
    assert main(["policy", "list", "--json"]) == 0
    (row,) = printed(capsys)
    assert (row["name"], row["used"]) == ("observe", True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "(top): Input should be a valid dictionary"),
        ("policy: {id: x}\nlines: [{id: a, then: destroy}]", "line 'a': then:"),
        ("policy: {id: x}\nlines: [{id: a, then: flag}, {id: a, then: flag}]", "line 'a': id: given twice"),
        ("policy: {id: x}\nlines: [{id: a, when: {catgory: pii}, then: flag}]", "line 'a': when.catgory: no such key"),
        ("{", "not YAML"),
        ("\x00", "not YAML"),
    ],
)
def test_a_policy_that_can_t_be_used_is_1(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, told: str
) -> None:
    file = tmp_path / "bad.policy.yaml"
    file.write_text(content)
    assert main(["policy", "check", str(file)]) == 1
    out = capsys.readouterr().out
    assert told in out
    assert len(out.splitlines()) == 1


def test_checking_goes_on_after_a_bad_one(home: Home, own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "/no/such/file", "/", own]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["/no/such/file: No such file or directory", "/: Is a directory", f"{own}: ok"]
    assert lines[3] == "  warning: line 'injections': exception \"the red team's week\": has ended on 2026-03-02"
    assert main(["policy", "check", own]) == 0
