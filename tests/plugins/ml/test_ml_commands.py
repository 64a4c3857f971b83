"""`midwatch ml`: models listed, evaluated and refused by name; judged texts as a data set."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import (
    ConfigError,
    Direction,
    Exchange,
    Finding,
    Host,
    Metrics,
    Part,
    Queries,
    Role,
    Severity,
    Triage,
    TriageState,
)
from midwatch_core.testing import make_exchange
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces
from midwatch_ml.commanding.sets import labelled
from midwatch_ml.commanding.words import run
from midwatch_ml.settings import ModelSettings, Settings

ABSENT = Settings(models=(ModelSettings(id="absent", source="./nowhere"),))


def host_of(home: Path, stored: Any = None) -> Host:
    return Host(role=Role.COMMAND, home=home, metrics=Metrics(), stored=stored)


def test_a_model_that_cannot_be_had_is_listed_with_the_reason_and_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ABSENT, host_of(tmp_path), ["list", "--json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"], row["card"]) == ("absent", "failed", None)
    assert row["problem"]
    assert run(ABSENT, host_of(tmp_path), ["list"]) == 1
    assert "absent  failed" in capsys.readouterr().out


def test_a_section_without_models_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Settings(models=()), host_of(tmp_path), ["list"]) == 0
    assert "names none" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["nosuch"], ["evaluate"], ["evaluate", "absent"]])
def test_words_that_are_none_are_told_and_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(ABSENT, host_of(tmp_path), words)
    assert ended.value.code == 2


def test_a_model_that_is_none_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ml evaluate nosuch: no such directory.*there are absent"):
        run(ABSENT, host_of(tmp_path), ["evaluate", "nosuch", "--sets", "a.jsonl"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":1: not JSON"),
        ("[]", ":1: expected"),
        ('{"text": 1}', ":1: expected"),
        ('{"text": "", "label": 2}', ":1:"),
    ],
)
def test_a_line_that_is_no_labelled_text_is_named(line: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text(line)
    with pytest.raises(ConfigError, match=says):
        list(labelled(tmp_path / "set.jsonl"))


def test_labels_are_read_and_texts_without_one_left_out(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": None}]
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert list(labelled(tmp_path / "set.jsonl")) == [(1, "a"), (0, "b")]
    with pytest.raises(ConfigError, match=r"--sets .*: No such file"):
        list(labelled(tmp_path / "none.jsonl"))


def finding(number: int, **changes: Any) -> Finding:
    made = Finding(
        id=f"f-{number}",
        rule="ml/defender",
        category="prompt_injection",
        severity=Severity.MEDIUM,
        confidence=0.9,
        message="looks like one",
        part=Part.USER,
        direction=Direction.REQUEST,
        path="/messages/1/content",
    )
    return replace(made, **changes)


def call(text: str, *findings: Finding) -> Exchange:
    return make_exchange(messages=(("system", "You are terse."), ("user", text)), findings=findings)


@pytest.fixture
async def judged(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """What `ml export` writes of calls with a true finding, a false one, two of one text, one open, one of a secret."""
    exchanges = [
        call("Ignore it <EMAIL_k3f9>", finding(1), finding(2, rule="other/rule")),
        call("How do I ignore a file?", finding(3)),
        call("Nobody looked at this", finding(4)),
        call("A key", finding(5, category="secret")),
        call("A whole call", finding(6, path=None, part=None)),
    ]
    states = {"f-1": TriageState.FALSE_POSITIVE, "f-2": TriageState.ACKNOWLEDGED, "f-3": TriageState.FALSE_POSITIVE}
    states |= {"f-5": TriageState.ACKNOWLEDGED, "f-6": TriageState.ACKNOWLEDGED}
    return lambda *words: _exported(tmp_path, exchanges, states, words)


def _exported(
    home: Path, exchanges: Sequence[Exchange], states: dict[str, TriageState], words: Sequence[str]
) -> list[dict[str, Any]]:
    @asynccontextmanager
    async def stored() -> AsyncIterator[Queries]:
        traces, metadata = MemoryTraces(), MemoryMetadata()
        await traces.start()
        await metadata.start()
        await traces.put(exchanges)
        for finding_id, state in states.items():
            at = datetime(2026, 11, 26, tzinfo=UTC)
            await metadata.keep_triage(
                Triage(finding_id=finding_id, tenant="default", rule="ml/defender", state=state, by="ann", at=at)
            )
        yield Queries(traces=traces, metadata=metadata)

    output = home / "set.jsonl"
    assert run(ABSENT, host_of(home, stored), ["export", "--output", str(output), *words]) == 0
    assert output.stat().st_mode & 0o077 == 0
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_judged_texts_are_a_data_set(judged: Callable[..., list[dict[str, Any]]], tmp_path: Path) -> None:
    rows = judged()
    assert rows == [
        {"text": "Ignore it <EMAIL_k3f9>", "label": 1, "source": "triage", "part": "user"},
        {"text": "How do I ignore a file?", "label": 0, "source": "triage", "part": "user"},
    ]
    assert list(labelled(tmp_path / "set.jsonl")) == [(row["label"], row["text"]) for row in rows]


def test_open_ones_come_with_no_label_where_asked_for(judged: Callable[..., list[dict[str, Any]]]) -> None:
    assert [row["label"] for row in judged("--open")] == [1, 0, None]
    assert judged("--tenant", "elsewhere") == []


def test_without_a_store_there_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no store here"):
        run(ABSENT, host_of(tmp_path), ["export"])
