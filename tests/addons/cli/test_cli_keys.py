"""`keys`: made and shown once, rotated, revoked; alone, and through a control that lives."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.cli.administrator import Administrator
from midwatch.cli.asking import AskError
from midwatch.cli.keys import duration, expiry
from midwatch.home import Home
from midwatch_core.access.keys import id_of, is_key_of, key_digest
from midwatch_core.errors import ConfigError
from tests.addons.cli.administered import living_control, rows, rows_of_control


def test_a_key_is_shown_once(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (made,) = rows(capsys, "keys", "create", "--role", "viewer", "--label", "Ada", "--agent", "robot")
    key = made.pop("key")
    assert id_of(key) == made["id"]
    assert rows(capsys, "keys") == rows(capsys, "keys", "list") == [made]
    assert (made["role"], made["tenant"], made["label"], made["agent"], made["state"]) == (
        "viewer",
        None,
        "Ada",
        "robot",
        "valid",
    )
    secret = key.removeprefix(made["id"]).encode()
    kept = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    assert kept
    assert not any(secret in data for data in kept)
    assert any(key_digest(key).encode() in data for data in kept)


def test_a_key_stands_alone_on_standard_output(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create"]) == 0
    told = capsys.readouterr()
    assert id_of(told.out.removesuffix("\n"))
    assert "client of the installation. It is shown this once" in told.err
    assert told.out.strip() not in told.err
    assert main(["keys"]) == 0
    assert "(all)" in capsys.readouterr().out


def test_a_rotated_key_has_its_time_of_grace(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (old,) = rows(capsys, "keys", "create", "--expires", "90d")
    (fresh,) = rows(capsys, "keys", "rotate", old["id"], "--grace", "1h")
    (last,) = rows(capsys, "keys", "rotate", fresh["id"], "--grace", "0s")
    listed = {row["id"]: row for row in rows(capsys, "keys")}
    assert [listed[item["id"]]["state"] for item in (old, fresh, last)] == ["valid", "expired", "valid"]
    ends = datetime.fromisoformat(listed[old["id"]]["expires_at"])
    assert timedelta(minutes=50) < ends - datetime.now(UTC) <= timedelta(hours=1)
    assert timedelta(days=89) < datetime.fromisoformat(last["expires_at"]) - datetime.now(UTC) <= timedelta(days=90)


def test_a_revoked_key_is_over(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (made,) = rows(capsys, "keys", "create")
    assert rows(capsys, "keys", "revoke", made["id"])[0]["state"] == "revoked"
    assert main(["keys", "revoke", made["id"]]) == 0
    assert capsys.readouterr().out == f"{made['id']} is revoked\n"
    assert main(["keys", "rotate", made["id"]]) == 1
    assert "not valid any more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["create", "--role", "king"], 2, "expected one of admin, operator, viewer, client"),
        (["create", "--tenant", "nosuch"], 1, "there is no tenant nosuch"),
        (["create", "--expires", "soon"], 2, "--expires soon: expected a time"),
        (["create", "--expires", "2020-01-01"], 1, "at a moment to come"),
        (["rotate", "mw_nosuch"], 1, "there is no key mw_nosuch"),
        (["rotate", "mw_nosuch", "--grace", "1w"], 2, "--grace 1w: expected a time"),
        (["revoke", "mw_nosuch"], 1, "there is no key mw_nosuch"),
        (["revoke"], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["keys", *words]) == code
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


def test_a_home_without_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 0
    told = capsys.readouterr()
    assert (told.out, "No keys yet" in told.err) == ("", True)
    assert not (tmp_path / "home").exists()


def test_a_memory_that_nobody_serves_keeps_no_key(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_STORAGE", "memory")
    assert rows(capsys, "keys") == []
    assert main(["keys", "create"]) == 1
    assert "would be gone at once" in capsys.readouterr().err


async def test_a_control_that_lives_does_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        (made,) = await rows_of_control(capsys, "keys", "create")
        (kept,) = await control.metadata.keys()
        assert is_key_of(made["key"], kept.digest)
        await rows_of_control(capsys, "keys", "revoke", made["id"])
        assert [row["state"] for row in await rows_of_control(capsys, "keys")] == ["revoked"]
        assert await asyncio.to_thread(main, ["keys", "revoke", "mw_nosuch"]) == 1
    assert "there is no key mw_nosuch" in capsys.readouterr().err
    assert not (home.root / "midwatch.db").exists()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()


async def _mad(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"no json\n")
    writer.close()


@pytest.mark.parametrize("control", [_silent, _deaf, _mad])
async def test_what_control_may_have_done_is_not_done_again(home: Home, control: object) -> None:
    server = await asyncio.start_unix_server(control, home.control_socket)  # type: ignore[arg-type]
    administrator = Administrator(home, None)
    message = {"op": "key_create", "role": "client"}
    with pytest.raises(AskError, match="may have done it"):
        await asyncio.to_thread(administrator.ask, message, timeout_s=0.2)
    server.close()
    assert not (home.root / "midwatch.db").exists()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2200-01-01", "2200-01-01T00:00:00+00:00"),
        ("2200-01-01T08:00+02:00", "2200-01-01T08:00:00+02:00"),
        (None, None),
    ],
)
def test_ends_by_name(text: str | None, means: str | None) -> None:
    assert expiry(text) == means


@pytest.mark.parametrize("text", ["", "h", "1w", "-1h", "1", "999999d", "1.5h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--grace .*: expected a time like"):
        duration(text, "--grace")
