"""`audit`: who did what; and a log changed behind its back, or cut, is found."""

import asyncio
import sqlite3
from collections.abc import Callable

import pytest

from midwatch.cli import audit, main
from midwatch.control.anchoring import anchored
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.access.administering import Administration, KeyWish
from midwatch_core.access.caller import LOCAL
from midwatch_core.clock import SystemClock
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.tenant import Tenant
from midwatch_core.storage import open_storage, storage_profile
from tests.addons.cli.administered import living_control, rows, rows_of_control


@pytest.fixture
def logged(home: Home) -> Home:
    """A home with six entries: three of the tenant acme."""
    asyncio.run(_log(home))
    return home


async def _log(home: Home) -> None:
    settings = resolve(home, config_file=None, flags={})
    profile = storage_profile(settings.config, home.root)
    metadata = anchored(open_storage(settings.plugins, profile).metadata, home, profile.metadata)
    await metadata.start()
    clock = SystemClock()
    administration = Administration(metadata, clock, configured=lambda: ())
    await administration.add_tenant(LOCAL, Tenant(name="acme", created_at=clock.now()))
    for tenant in ("acme", "acme", None, None, None):
        await administration.create_key(LOCAL, KeyWish(role=AccessRole.CLIENT, tenant=tenant))
    await metadata.close()


def change(home: Home, statement: str) -> None:
    with sqlite3.connect(home.root / "midwatch.db") as database:
        assert database.execute(statement).rowcount > 0
    database.close()


def test_entries_are_listed_newest_first(
    logged: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PAGE", 2)
    listed = rows(capsys, "audit")
    assert [row["number"] for row in listed] == [6, 5, 4, 3, 2, 1]
    assert {(row["actor"], row["action"]) for row in listed} == {("local", "key.create"), ("local", "tenant.add")}
    assert [row["number"] for row in rows(capsys, "audit", "list", "--limit", "3")] == [6, 5, 4]
    assert [row["number"] for row in rows(capsys, "audit", "list", "--tenant", "acme")] == [3, 2, 1]


def test_a_table_for_people(logged: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    assert "role: client" in capsys.readouterr().out


def test_a_log_that_was_only_added_to_holds(logged: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(capsys, "audit", "verify") == [{"entries": 6, "anchored": 6, "fault": None}]
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out == "6 entries hold\n"


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE audit_entries SET actor = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit_entries SET digest = 'x' WHERE number = 6", 6),
        ("DELETE FROM audit_entries WHERE number = 3", 4),
        ("DELETE FROM audit_entries WHERE number = 6", 6),
        ("DELETE FROM audit_entries", 1),
    ],
)
def test_a_change_behind_its_back_is_1_and_the_first_entry_that_does_not_hold(
    logged: Home, capsys: pytest.CaptureFixture[str], statement: str, first: int
) -> None:
    change(logged, statement)
    assert main(["audit", "verify"]) == 1
    assert capsys.readouterr().out.startswith(f"entry {first} does not hold: ")
    rows(capsys, "keys", "create")
    assert main(["audit", "verify"]) == 1


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda home: home.audit_anchor.unlink(), 0, "has no anchor"),
        (lambda home: home.audit_anchor.write_text("?"), 1, "not an anchor of the audit log"),
        (lambda home: (home.root / "midwatch.db").unlink(), 1, ""),
    ],
    ids=["no anchor", "damaged anchor", "no store"],
)
def test_what_is_missing_is_said(
    logged: Home, capsys: pytest.CaptureFixture[str], spoil: Callable[[Home], None], code: int, said: str
) -> None:
    spoil(logged)
    assert main(["audit", "verify"]) == code
    assert said in capsys.readouterr().err


def test_a_home_without_a_log(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(capsys, "audit") == []
    assert rows(capsys, "audit", "verify") == [{"entries": 0, "anchored": None, "fault": None}]


async def test_a_control_that_lives_is_asked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home):
        await rows_of_control(capsys, "keys", "create")
        assert [row["action"] for row in await rows_of_control(capsys, "audit")] == ["key.create"]
        assert await rows_of_control(capsys, "audit", "verify") == [{"entries": 1, "anchored": None, "fault": None}]
