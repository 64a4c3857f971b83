"""`scan` with a plugin that has a model: many lines at once, answered in order, and it ends with the command."""

import json
from pathlib import Path

import pytest

from midwatch.cli import main
from tests.addons.cli.test_cli_scan import PACK

MODEL = """
import asyncio
from pathlib import Path

from midwatch_core import BusyError, Classified, Detection, Part, Severity, Vote, Weighed, hookimpl

state = {"now": 0, "most": 0, "asked": 0}


@hookimpl
def classify_text(text, part):
    return _think(text) if part is Part.USER else None


async def _think(text):
    state["now"] += 1
    state["asked"] += 1
    state["most"] = max(state["most"], state["now"])
    await asyncio.sleep(0.03 if text.startswith("slow") else 0.001)
    state["now"] -= 1
    if "busy" in text:
        raise BusyError("thinks", "enough to do")
    at = text.find("evil")
    found = Detection(
        rule="thinks/evil", category="prompt_injection", severity=Severity.HIGH, confidence=0.7, message="m",
        start=at, end=at + 4,
    )
    return Classified(detections=(found,) if at >= 0 else (), votes=(Vote(voter="thinks", score=0.6),))


@hookimpl
def weigh(findings, votes):
    return Weighed(score=max((item.vote.score for item in votes), default=0.1))


@hookimpl
async def shutdown(host):
    await asyncio.sleep(0)
    (host.home / "ended").write_text(f"{state['most']} {state['asked']} {state['now']}")
    state.update(now=0, most=0, asked=0)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    info = site / "scan_thinks-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scan-thinks\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[midwatch]\nthinks = scan_thinks_plugin\n")
    (site / "scan_thinks_plugin.py").write_text(MODEL)
    monkeypatch.syspath_prepend(site)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.rules.yaml").write_text(PACK)
    (tmp_path / "config.yaml").write_text("plugins: {allow: [rules, thinks]}")
    return tmp_path


def ended(home: Path) -> list[int]:
    """Texts that were under way at most, and in all, and at the end; from the plugin's last words."""
    return [int(word) for word in (home / "ended").read_text().split()]


def test_a_text_waits_for_the_model_and_the_score_is_the_ensemble_s(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "--home", str(home), "--json", "an evil zephyr"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [item["rule"] for item in answer["findings"]] == ["own/words/zephyr", "thinks/evil"]
    assert answer["score"] == 0.6
    assert ended(home) == [1, 1, 0]
    assert main(["scan", "--home", str(home), "nothing"]) == 0


def test_a_model_that_could_not_say_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--home", str(home), "--json", "busy"]) == 0
    assert json.loads(capsys.readouterr().out)["failures"] == ["thinks"]


def test_lines_are_under_way_together_and_answered_in_order(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [
        f"{'slow ' if number % 7 == 0 else ''}{'evil ' if number % 3 == 0 else ''}{number}" for number in range(200)
    ]
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts) + "no JSON\n")
    assert main(["scan", "--home", str(home), "--jsonl", str(lines)]) == 0
    *answers, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [bool(answer["findings"]) for answer in answers] == ["evil" in text for text in texts]
    assert "error" in last
    most, asked, left = ended(home)
    assert (asked, left) == (200, 0)
    assert 8 < most <= 66


def test_what_can_not_be_read_is_told_and_the_model_ended(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--home", str(home), "--jsonl", "/no/such/file"]) == 2
    assert "--jsonl /no/such/file: No such file" in capsys.readouterr().err
    assert ended(home) == [0, 0, 0]
