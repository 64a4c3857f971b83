"""`traces export`: what is kept, oldest first, as lines or as HAR."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from midwatch.cli import main
from midwatch_core.model.exchange import Exchange
from tests.core.har_schema import HAR


def test_lines_are_what_show_prints_oldest_first(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "export"]) == 0
    out, said = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["id"] for line in lines] == [exchange.id for exchange in kept]
    assert said == "midwatch: 3 exchanges\n"
    assert main(["traces", "show", kept[0].id, "--json"]) == 0
    assert lines[0] == json.loads(capsys.readouterr().out)


def test_a_har_file_is_valid_and_its_owners_alone(
    kept: Sequence[Exchange], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.har"
    assert main(["traces", "export", "--har", "-o", str(file)]) == 0
    document = json.loads(file.read_bytes())
    jsonschema.validate(document, HAR)
    assert [entry["response"]["status"] for entry in document["log"]["entries"]] == [200, 429, 200]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_only_what_is_asked_for(kept: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "export", "--model", "gpt-5", "--status", "429"]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [kept[1].id]


@pytest.mark.parametrize("form", ["--har", "--jsonl"])
def test_nothing_to_export_is_an_empty_file(form: str, tmp_path: Path, kept: Sequence[Exchange]) -> None:
    file = tmp_path / "none"
    assert main(["traces", "export", form, "--model", "none", "-o", str(file)]) == 0
    content = file.read_text()
    assert content == "" if form == "--jsonl" else json.loads(content)["log"]["entries"] == []


def test_a_place_that_can_not_be_written_is_wrong_use(
    kept: Sequence[Exchange], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["traces", "export", "-o", str(tmp_path / "no" / "where")]) == 2
    assert "--output" in capsys.readouterr().err
    assert main(["traces", "export", "--har", "--jsonl"]) == 2
