"""`policy publish`, `rollback`, `withdraw`: alone (tests/e2e has them beside a control), and what they refuse."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.settings import policy_of, resolve
from tests.addons.cli.administered import rows
from tests.addons.control.policy_rooms import own


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "own.yaml"
    made.write_text(own())
    return made


def in_use(home: Home) -> str:
    return policy_of(resolve(home, config_file=None, flags={})).text


def test_a_file_is_published_rolled_back_and_withdrawn(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (made,) = rows(capsys, "policy", "publish", str(file), "--note", "because")
    assert (made["name"], made["version"], made["author"], in_use(home)) == ("own", 1, "local", own())
    file.write_text(own("flag"))
    assert main(["policy", "publish", str(file)]) == 0
    assert "own is in use, as version 2" in capsys.readouterr().out
    assert main(["policy", "rollback", "1"]) == 0
    assert in_use(home) == own()
    capsys.readouterr()
    assert [row["version"] for row in rows(capsys, "policy", "versions")] == [3, 2, 1]
    used = {row["name"]: (row["id"], row["source"]) for row in rows(capsys, "policy", "list") if row["used"]}
    assert used == {"published": ("own", "published")}
    assert main(["policy", "show"]) == 0
    assert capsys.readouterr().out.strip() == own().strip()
    assert main(["policy", "withdraw"]) == 0
    assert "observe" in in_use(home)
    capsys.readouterr()
    told = [(row["action"], row["subject"], row["details"]) for row in rows(capsys, "audit", "list")]
    assert told == [
        ("policy.withdraw", "own", {}),
        ("policy.roll_back", "own", {"version": "3", "note": "to version 1"}),
        ("policy.publish", "own", {"version": "2"}),
        ("policy.publish", "own", {"version": "1", "note": "because"}),
    ]


def test_standard_input_is_a_file_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(own().encode())))
    assert main(["policy", "publish", "-"]) == 0
    assert in_use(home) == own()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[", "not YAML"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"policy: {id: x}\nlines: [{id: a, then: stop}]", "line 'a': then"),
        (None, "No such file"),
    ],
)
def test_what_is_no_policy_is_refused(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str], data: bytes | None, told: str
) -> None:
    file.write_bytes(data) if data is not None else file.unlink()
    assert main(["policy", "publish", str(file)]) != 0
    assert told in capsys.readouterr().err
    assert "observe" in in_use(home)


def test_what_a_configuration_names_as_a_file_stays(
    home: Home, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.config_file.write_text(f"policy: {file}\n")
    other = tmp_path / "other.yaml"
    other.write_text(own("flag"))
    assert main(["policy", "publish", str(other)]) != 0
    assert str(file) in capsys.readouterr().err
    assert in_use(home) == own()


def test_a_damaged_one_stops_the_start_until_it_is_withdrawn(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "publish", str(file)]) == 0
    home.published_policy.write_bytes(b"?")
    assert main(["policy", "show"]) != 0
    assert "policy.published.json: damaged" in capsys.readouterr().err
    assert main(["policy", "withdraw"]) == 0
    assert "observe" in in_use(home)


def test_a_store_in_memory_keeps_no_version_and_the_home_the_policy(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.config_file.write_text("storage: {metadata: 'memory://'}\n")
    assert main(["policy", "publish", str(file)]) == 0
    assert in_use(home) == own()
    assert main(["policy", "rollback", "1"]) != 0
    assert "memory" in capsys.readouterr().err
    assert main(["policy", "withdraw"]) == 0
    assert "observe" in in_use(home)


def test_nothing_published_is_nothing_to_withdraw(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "withdraw"]) != 0
    assert "no policy is published" in capsys.readouterr().err
