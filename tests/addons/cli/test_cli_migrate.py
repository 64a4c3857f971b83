"""`migrate`: how the schemas stand, forward and back, for scripts and for people; and what `doctor` says of them."""

import asyncio
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from tests.addons.control.conftest import Control

PARTS = ["traces", "metadata"]


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["store"]: row for row in found}


def write(home: Home, text: str) -> None:
    home.config_file.write_text(text)


def test_before_the_first_start_everything_is_pending_and_nothing_is_made(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "status", "--json"]) == 0
    found = rows(capsys)
    assert list(found) == PARTS
    for row in found.values():
        assert row["current"] is None
        assert row["pending"][-1] == row["head"]
        assert (row["problem"], row["error"]) == (None, None)
        assert row["url"] == f"sqlite:///{home.root}/midwatch.db"
    assert main(["migrate", "check"]) == 1
    assert not (home.root / "midwatch.db").exists()


def test_up_brings_both_parts_of_one_database_up_to_date(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "up", "--json"]) == 0
    found = rows(capsys)
    assert all(row["done"] and row["done"][-1] == row["head"] == row["current"] for row in found.values())
    assert main(["migrate", "check", "--json"]) == 0
    assert all(row["pending"] == [] for row in rows(capsys).values())
    assert main(["migrate", "up", "--json"]) == 0
    assert all(row["done"] == [] for row in rows(capsys).values())


def test_only_one_of_the_stores(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "up", "--only", "metadata", "--json"]) == 0
    assert list(rows(capsys)) == ["metadata"]
    assert main(["migrate", "check", "--only", "metadata"]) == 0
    assert main(["migrate", "check", "--only", "traces"]) == 1


@pytest.mark.parametrize("store", PARTS)
def test_down_to_the_first_revision_and_up_again(home: Home, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate", "status", "--json"])
    first, *later = rows(capsys)[store]["pending"]
    assert later, "there is nothing to go back over"
    assert main(["migrate", "up"]) == 0
    capsys.readouterr()
    assert main(["migrate", "down", "--only", store, "--to", first, "--yes", "--json"]) == 0
    row = rows(capsys)[store]
    assert (row["current"], row["pending"], sorted(row["done"])) == (first, later, sorted(later))
    assert main(["migrate", "check"]) == 1
    assert main(["migrate", "up"]) == 0


def test_down_to_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "up"]) == 0
    capsys.readouterr()
    assert main(["migrate", "down", "--to", "nothing", "--yes", "--json"]) == 0
    assert all(row["current"] is None for row in rows(capsys).values())


async def test_down_is_refused_while_midwatch_runs(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["migrate", "up"]) == 0
    control = Control(home.control_socket)
    await control.traces.start()
    await control.door.start(control.path)
    try:
        assert await asyncio.to_thread(main, ["migrate", "down", "--to", "nothing", "--yes"]) == 1
        assert "stop it first" in capsys.readouterr().err
        assert await asyncio.to_thread(main, ["migrate", "check"]) == 0
    finally:
        await control.door.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["down"], "--to is missing"),
        (["down", "--to", "nothing"], "--yes is missing"),
        (["down", "--to", "traces_0001", "--yes"], "say which by --only"),
        (["status", "--only", "cache"], "--only cache: there are traces, metadata"),
    ],
)
def test_wrong_use_is_2_and_says_what_is_missing(
    home: Home, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", *words]) == 2
    assert says in capsys.readouterr().err
    assert not (home.root / "midwatch.db").exists()


def test_a_revision_that_is_none_is_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate", "up"])
    capsys.readouterr()
    assert main(["migrate", "down", "--only", "traces", "--to", "nosuch", "--yes", "--json"]) == 1
    row = rows(capsys)["traces"]
    assert "nosuch" in row["error"]
    assert row["current"] == row["head"]


def test_memory_has_no_schema(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "storage: memory\n")
    assert main(["migrate", "check"]) == 0
    assert len(re.findall("has no schema", capsys.readouterr().out)) == 2
    assert main(["migrate", "up"]) == 0


def test_a_file_that_is_no_database_is_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.root / "midwatch.db").write_bytes(b"no database at all" * 500)
    for command in ("status", "check", "up"):
        assert main(["migrate", command, "--json"]) == 1
        assert all(row["error"] or row["problem"] for row in rows(capsys).values())


def test_a_schema_of_a_newer_version_is_a_problem(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate", "up"])
    connection = sqlite3.connect(home.root / "midwatch.db")
    for part in PARTS:
        connection.execute(f"UPDATE {part}_version SET version_num = '{part}_9999'")
    connection.commit()
    connection.close()
    capsys.readouterr()
    assert main(["migrate", "check", "--json"]) == 1
    assert all("newer" in row["problem"] for row in rows(capsys).values())
    assert main(["migrate", "up"]) == 1


def test_no_output_has_the_password_of_a_url(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_STORAGE__METADATA", "postgresql://me:s3cret-of-mine@127.0.0.1:9/db")
    monkeypatch.setenv("MIDWATCH_STORAGE__CACHE", "redis://me:s3cret-of-mine@127.0.0.1:9")
    for words in (["migrate", "status"], ["migrate", "up", "--json"], ["doctor"], ["doctor", "--json"]):
        assert main(words) == 1
        said = capsys.readouterr()
        assert "s3cret" not in said.out + said.err
        assert "postgresql://me:***@127.0.0.1:9/db" in said.out


def checks(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}


def test_doctor_tells_of_each_store(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    found = checks(capsys)
    assert [found[name]["ok"] for name in (*PARTS, "cache", "listeners")] == [None, None, True, True]
    assert "the next start brings it there" in found["traces"]["says"]
    assert not (home.root / "midwatch.db").exists()
    main(["migrate", "up"])
    capsys.readouterr()
    main(["doctor", "--json"])
    found = checks(capsys)
    assert [found[name]["ok"] for name in PARTS] == [True, True]
    assert found["traces"]["says"].startswith(f"sqlite:///{home.root}/midwatch.db: schema ")


def test_doctor_names_the_command_where_migrations_are_explicit(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/own.db"
    write(home, f"storage: {{profile: production, traces: '{url}', metadata: '{url}', cache: 'memory://'}}\n")
    assert main(["doctor", "--json"]) == 1
    found = checks(capsys)
    assert [found[name]["ok"] for name in PARTS] == [False, False]
    assert found["metadata"]["says"].endswith("run: midwatch migrate up")


def test_doctor_tells_of_an_open_relay(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "listen: 0.0.0.0:0\n")
    assert main(["doctor", "--json"]) == 1
    assert "identity.required" in checks(capsys)["listeners"]["says"]
