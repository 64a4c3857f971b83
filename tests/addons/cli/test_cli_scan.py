"""`scan`: texts in, findings out, in order, with keys that scripts lean on."""

import io
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
    [
        (["--where", "nowhere", "text"], "--where nowhere: there are system"),
        (["--jsonl", "/no/such/file"], "--jsonl /no/such/file: No such file"),
        (["--jsonl", "/"], "--jsonl /: Is a directory"),
        (["--jsonl", "-", "text"], "--jsonl stands alone"),
        (["--file", "/no/such/file"], "--file /no/such/file: No such file"),
        (["--file", "/"], "--file /: Is a directory"),
        (["--policy", "nosuch", "text"], "'nosuch' is neither a policy"),
    ],
)
def test_wrong_use_is_told(home: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--home", str(home), *words]) == 2
    assert told in capsys.readouterr().err


def test_files_are_scanned_each(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / name for name in ("one.txt", "two.txt")]
    files[0].write_text("Tell me of zephyr")
    files[1].write_text("Tell me of the wind")
    words = [word for file in files for word in ("--file", str(file))]
    assert main(["scan", "--home", str(home), "--json", "zephyr", *words]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(answer["findings"]) for answer in answers] == [1, 1, 0]
    assert [answer.get("file") for answer in answers] == [None, *map(str, files)]
    assert main(["scan", "--home", str(home), "--file", str(files[1])]) == 0
    assert capsys.readouterr().out == f"{files[1]}: allow\nnothing found\n"


def test_bytes_that_are_no_utf8_are_replaced_and_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "latin.txt"
    file.write_bytes(b"caf\xe9 zephyr")
    assert main(["scan", "--home", str(home), "--json", "--file", str(file)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["findings"][0]["start"] == 5
    assert err == f"midwatch: {file}: not UTF-8 at byte 3; such bytes are read as U+FFFD\n"


@pytest.mark.parametrize(
    ("data", "told"), [(b"\x7fELF\0\0", "binary, not text"), (b"a" * 5000, "longer than 4,096 bytes")]
)
def test_what_is_no_text_or_too_long_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, told: str
) -> None:
    (home / "config.yaml").write_text("plugins: {allow: [rules]}\nmax_inspect_bytes: 4096")
    file = tmp_path / "file"
    file.write_bytes(data)
    assert main(["scan", "--home", str(home), "--file", str(file)]) == 2
    assert f"midwatch: {file}: {told}" in capsys.readouterr().err


def test_standard_input_is_a_text(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--file", "-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"of zephyr")))
        assert main(["scan", "--home", str(home), "--json", *words]) == 1
        assert json.loads(capsys.readouterr().out)["findings"][0]["start"] == 3


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": 5}', "`text` is no string"),
        (b"{}", "there is no `text`"),
        (b"[]", "expected an object"),
        (b'"zephyr"', "expected an object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"text": "zephyr", "where": "nowhere"}', "`where` is 'nowhere'; there are system"),
        (b'{"text": "zephyr", "where": ["user"]}', "`where` is"),
        (b'{"text": "zephyr"', "not JSON"),
        (b'{"text": "' + b"zephyr " * 1000 + b'"}', "the line is too long"),
        (b"", "not JSON"),
    ],
)
def test_a_line_that_is_no_text_says_why(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: bytes, error: str
) -> None:
    (home / "config.yaml").write_text("plugins: {allow: [rules]}\nmax_inspect_bytes: 4096")
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(line[:300_000] + b'\n{"text": "zephyr"}')
    if len(line) == 200_000:
        (home / "config.yaml").write_text("plugins: {allow: [rules]}")
    assert main(["scan", "--home", str(home), "--jsonl", str(lines)]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert error in first["error"]
    assert (first["findings"], first["action"], first["score"]) == ([], "allow", 0.0)
    assert len(second["findings"]) == 1


def test_bytes_and_halves_of_surrogates_in_a_line_are_replaced(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b'{"text": "\xff zephyr"}\n{"text": "\\ud800 zephyr"}\n')
    assert main(["scan", "--home", str(home), "--jsonl", str(lines)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["findings"][0]["start"] for answer in answers] == [2, 2]


POLICY = """
policy: {id: own}
lines:
  - {id: sure, when: {category: prompt_injection, confidence_at_least: 0.9}, then: cut}
  - {id: tried, when: {rule: own/words/*}, then: redact, dry_run: true}
  - {id: asked, when: {direction: request, part: user}, then: block}
"""


def test_a_policy_says_what_is_done_and_why(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.policy.yaml"
    file.write_text(POLICY)
    assert main(["scan", "--home", str(home), "--json", "--policy", str(file), "--explain", "zephyr"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["action"], answer["findings"][0]["action"]) == ("block", "block")
    assert answer["explain"] == [
        "own/words/zephyr (prompt_injection, high, 0.80, request, user)",
        "  sure: no, confidence differs",
        "  tried: would redact",
        "  asked: block",
        f"{file}: block",
    ]
    (home / "config.yaml").write_text("plugins: {allow: [rules]}\npolicy: own.policy.yaml")
    assert main(["scan", "--home", str(home), "--explain", "zephyr"]) == 1
    assert "  asked: block" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("where", "direction"), [("tool_result", "request"), ("tool_call", "response")])
def test_what_a_model_says_is_a_response(
    home: Path, capsys: pytest.CaptureFixture[str], where: str, direction: str
) -> None:
    pack = (home / "rules" / "own.rules.yaml").read_text().replace("where: [user]", f"where: [{where}]")
    (home / "rules" / "own.rules.yaml").write_text(pack)
    assert main(["scan", "--home", str(home), "--json", "--where", where, "zephyr"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["direction"] == direction


def test_a_bad_pack_ends_the_scan_with_its_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules" / "own.rules.yaml").write_text("pack: 3")
    assert main(["scan", "--home", str(home), "text"]) == 2
    assert "own.rules.yaml" in capsys.readouterr().err
