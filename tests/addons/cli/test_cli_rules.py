"""`rules`: list, check, schema and test, as a writer of packs uses them."""

import json
from pathlib import Path

import pytest

from midwatch.cli import main
from tests.addons.cli.test_cli_scan import PACK


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.rules.yaml").write_text(PACK)
    (tmp_path / "config.yaml").write_text("plugins: {allow: [rules]}")
    return tmp_path


def test_rules_are_listed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--home", str(place), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["id"] == "own/words/zephyr"


def test_a_sound_pack_is_ok_and_one_whose_examples_lie_is_not(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(place / "rules")]) == 0
    (place / "rules" / "lies.rules.yaml").write_text(PACK.replace("tell me of the wind", "zephyr too"))
    assert main(["rules", "check", str(place / "rules")]) == 1
    told = capsys.readouterr().out
    assert "own.rules.yaml: ok" in told
    assert "zephyr too" in told


def test_nothing_to_check_is_wrong_use(tmp_path: Path) -> None:
    assert main(["rules", "check", str(tmp_path)]) == 2


def test_the_schema_is_one_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "schema"]) == 0
    assert "properties" in json.loads(capsys.readouterr().out)


def test_a_text_can_be_tried(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "--home", str(place), "say zephyr"]) == 1
    assert "own/words/zephyr" in capsys.readouterr().out
