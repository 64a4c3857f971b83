"""`replay` as a command: what it says, and its exit codes. That it stores is in tests/e2e/test_e2e_replay.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.model.exchange import Exchange


@pytest.fixture
def lines(kept: Sequence[Exchange], tmp_path: Path) -> Path:
    file = tmp_path / "calls.jsonl"
    assert main(["traces", "export", "-o", str(file)]) == 0
    return file


def test_a_dry_run_says_what_a_file_holds(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--dry-run", str(lines)]) == 0
    assert capsys.readouterr().out == f"{lines}: 3 calls (openai.chat 3), 0 other entries, 0 broken\n"
    assert main(["replay", "--dry-run", "--json", str(lines), str(lines)]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second
    assert (first["kind"], first["calls"], first["by_dialect"]) == ("jsonl", 3, {"openai.chat": 3})


def test_a_dry_run_leaves_nothing_behind(lines: Path, home: Home, tmp_path: Path) -> None:
    assert main(["replay", "--dry-run", str(lines)]) == 0
    assert [item for item in home.journal.iterdir() if item.is_dir()] == []
    nowhere = tmp_path / "nowhere"
    assert main(["replay", "--dry-run", "--home", str(nowhere), str(lines)]) == 0
    assert not nowhere.exists()


def test_broken_entries_are_named_and_1(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lines.open("a") as file:
        file.write("{}\n" * 30)
    assert main(["replay", "--dry-run", str(lines)]) == 1
    out, said = capsys.readouterr()
    assert out.endswith("3 calls (openai.chat 3), 0 other entries, 30 broken\n")
    assert f"midwatch: {lines}: line 4: no exchange is in it" in said
    assert "… and 10 more" in said


def test_wrong_use_is_2_before_anything_is_done(
    lines: Path, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(lines), str(tmp_path / "nowhere.har")]) == 2
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "picture").write_bytes(b"\x89PNG")
    assert main(["replay", str(tmp_path / "picture")]) == 2
    assert "neither a HAR file" in capsys.readouterr().err
    assert main(["replay", "--dry-run", "--tenant", "nobody", str(lines)]) == 2
    assert "no such tenant; there are default" in capsys.readouterr().err
    assert not home.control_socket.exists()
