"""`scan`: texts in, findings out, in order, with keys that scripts lean on."""

import json
from pathlib import Path

import pytest

from midwatch.cli import main

PACK = """
pack: {id: own/words, version: 1, engine: ">=1", license: Apache-2.0}
rules:
  - id: zephyr
    title: Asks for the project
    severity: high
    confidence: 0.8
    maturity: stable
    category: prompt_injection
    owasp: [LLM01:2025]
    where: [user]
    keywords: [zephyr]
    match: {any: [{regex: '(?i)\\bzephyr\\b'}]}
    examples: {match: [tell me of Zephyr], pass: [tell me of the wind]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.rules.yaml").write_text(PACK)
    (tmp_path / "config.yaml").write_text("plugins: {allow: [rules]}")
    return tmp_path


def test_a_finding_is_an_exit_code_of_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--home", str(home), "--json", "Tell me of zephyr"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    (finding,) = answer["findings"]
    assert (finding["rule"], finding["start"], finding["end"]) == ("own/words/zephyr", 11, 17)
    assert (answer["action"], answer["score"]) == ("flag", 0.8)
    assert main(["scan", "--home", str(home), "nothing"]) == 0


def test_lines_are_answered_in_order_also_those_that_are_no_texts(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "zephyr"}\nnot JSON\n{"text": "zephyr", "where": "system"}\n{"where": "user"}\n')
    assert main(["scan", "--home", str(home), "--jsonl", str(lines)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(answer["findings"]) for answer in answers] == [1, 0, 0, 0]
    assert ["error" in answer for answer in answers] == [False, True, False, True]


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--where", "nowhere"], "--where nowhere: there are system"), (["--jsonl", "/no/such/file"], "--jsonl /no/such")],
)
def test_wrong_use_is_told(home: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--home", str(home), *words, "text"]) == 2
    assert told in capsys.readouterr().err


def test_a_bad_pack_ends_the_scan_with_its_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "own.rules.yaml").write_text("pack: 3")
    assert main(["scan", "--home", str(home), "text"]) == 2
    assert "own.rules.yaml" in capsys.readouterr().err
