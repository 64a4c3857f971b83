"""`forget`: asked first or meant, alone and through a control that lives; and what it did not reach is said."""

import asyncio
import base64
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch.stores import stores_of
from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.outbox import Outbox, Outgoing
from midwatch_alerts.outbox_file import FOLDER, NAME, OutboxFile
from midwatch_alerts.waiting import Edits
from midwatch_core.frame import encode
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Severity
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_journal import JournalReader, JournalWriter
from tests.addons.cli.administered import living_control, rows, rows_of_control

SAID = "the gate opens to heliotrope"


def of(user: str, **changes: Any) -> Exchange:
    plain = make_exchange(**changes)
    return replace(plain, identity=replace(plain.identity, user=user))


async def _put(home: Home, exchanges: Sequence[Exchange]) -> None:
    storage = stores_of(resolve(home, config_file=None, flags={}))
    await storage.start()
    await storage.traces.put(exchanges)
    await storage.close()


@pytest.fixture
def people(home: Home) -> Home:
    """A home whose store has two exchanges of Ada, one of which says something, and one of Bob."""
    asyncio.run(_put(home, [of("ada", answer=SAID), of("ada", tenant="acme", session="s-1"), of("bob")]))
    return home


def journalled(home: Home, *payloads: bytes) -> JournalWriter:
    writer = JournalWriter(home.journal, "w0-1-1")
    for payload in payloads:
        assert writer.append(payload).wait(60)
    return writer


def with_dead_letter(home: Home) -> None:
    journalled(home, b"no exchange").close()
    with JournalReader(home.journal) as reader:
        entries = reader.poll()
        assert reader.dead_letter(entries[0], "not a frame")
        reader.acknowledge(entry.position for entry in entries)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    terminal, ours = os.openpty()
    os.write(terminal, answer)
    monkeypatch.setattr(sys, "stdin", open(ours, encoding="utf-8"))  # noqa: PTH123, SIM115  # an open descriptor


def users(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [row["user"] for row in rows(capsys, "traces")]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--user", "ada"], ["bob"]),
        (["--user", "ada", "--tenant", "acme"], ["bob", "ada"]),
        (["--text", "Heliotrope"], ["bob", "ada"]),
        (["--user", "ada", "--before", "2020-01-01"], ["bob", "ada", "ada"]),
        (["--app", "editor", "--agent", "coder", "--client", "127.0.0.1", "--since", "2020-01-01"], []),
        (["--key", "mw_nosuch"], ["bob", "ada", "ada"]),
        (["--trace", "nosuch"], ["bob", "ada", "ada"]),
        (["--session", "s-1"], ["bob", "ada"]),
        (["--session", "s-1", "--user", "bob"], ["bob", "ada", "ada"]),
    ],
)
def test_what_matches_is_forgotten(
    people: Home, capsys: pytest.CaptureFixture[str], words: list[str], left: list[str]
) -> None:
    gone = 3 - len(left)
    assert rows(capsys, "forget", "--yes", *words) == [{"forgotten": gone, "caught_up": True}]
    assert users(capsys) == left
    (entry,) = rows(capsys, "audit")
    assert (entry["actor"], entry["action"], entry["details"]) == ("local", "forget", {"count": str(gone)})


def test_no_file_of_the_home_holds_a_text_that_is_forgotten(people: Home, capsys: pytest.CaptureFixture[str]) -> None:
    def holding() -> set[str]:
        files = [path for path in people.root.rglob("*") if path.is_file()]
        return {path.name for path in files if SAID.encode() in path.read_bytes()}

    assert holding() == {"midwatch.db"}
    assert main(["forget", "--text", SAID, "--yes"]) == 0
    assert capsys.readouterr().out == "exchanges forgotten: 1\n"
    assert holding() == set()
    (entry,) = rows(capsys, "audit")
    assert entry["subject"].startswith("text=sha256:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--yes"], "say whose: --user, --key"),
        (["--yes", "--before", "7d"], "say whose: --user, --key"),
        (["--user", "ada"], "--yes is missing: exchanges that would be gone for good: 2"),
        (["--user", "ada", "--yes", "--before", "soon"], "--before soon: expected a moment"),
        (["--user", "ada", "--yes", "--since", "soon"], "--since soon: expected a moment"),
    ],
)
def test_what_is_not_said_or_not_meant_is_2_and_nothing_goes(
    people: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115  # no terminal
    assert main(["forget", *words]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert len(users(capsys)) == 3
    assert rows(capsys, "audit") == []


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [(b"y\n", 0, ["bob"]), (b"n\n", 1, ["bob", "ada", "ada"]), (b"\n", 1, ["bob", "ada", "ada"])],
)
def test_a_person_at_a_terminal_is_asked(
    people: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    code: int,
    left: list[str],
) -> None:
    at_a_terminal(monkeypatch, answer)
    assert main(["forget", "--user", "ada"]) == code
    assert "Exchanges that would be gone for good: 2. Forget them? [y/N]" in capsys.readouterr().err
    assert users(capsys) == left


def test_nobody_is_asked_about_nothing(
    people: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_a_terminal(monkeypatch, b"")
    assert main(["forget", "--user", "eve"]) == 0
    assert capsys.readouterr().out == "exchanges forgotten: 0\n"


@pytest.mark.parametrize("settings", ["", "storage: memory\n"])
def test_where_nothing_is_kept_nothing_is_made(home: Home, capsys: pytest.CaptureFixture[str], settings: str) -> None:
    home.config_file.write_text(settings)
    assert rows(capsys, "forget", "--user", "ada", "--yes") == [{"forgotten": 0, "caught_up": True}]
    assert not (home.root / "midwatch.db").exists()


def test_with_encryption_a_search_in_texts_is_refused_and_a_user_is_forgotten(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", base64.b64encode(bytes(32)).decode())
    home.config_file.write_text("storage: {encryption: {key: '${KEY}'}}\n")
    asyncio.run(_put(home, [of("ada", answer=SAID)]))
    assert main(["forget", "--text", SAID, "--yes"]) == 1
    assert "search in texts is off: they are encrypted (storage.encryption)" in capsys.readouterr().err
    assert rows(capsys, "forget", "--user", "ada", "--yes")[0]["forgotten"] == 1


def test_what_is_still_in_the_journal_is_said_and_1(people: Home, capsys: pytest.CaptureFixture[str]) -> None:
    journalled(people, encode(of("ada"))).close()
    assert main(["forget", "--user", "ada", "--yes"]) == 1
    told = capsys.readouterr()
    assert told.out == "exchanges forgotten: 2\n"
    assert "calls are still in the journal and will be stored" in told.err


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        (lambda home: journalled(home), 0, ""),
        (with_dead_letter, 0, "not looked at: 1 dead letters in "),
    ],
    ids=["a journal without calls", "dead letters"],
)
def test_what_was_not_looked_at_is_said(
    people: Home, capsys: pytest.CaptureFixture[str], prepare: Callable[[Home], object], code: int, said: str
) -> None:
    held = prepare(people)
    assert main(["forget", "--user", "ada", "--yes"]) == code
    err = capsys.readouterr().err
    assert (said in err) if said else (err == "")
    if isinstance(held, JournalWriter):
        held.close()


async def _told_of(home: Home, tenant: str) -> None:
    """An outbox in which there is a message of a tenant."""
    at = datetime(2026, 11, 26, tzinfo=UTC)
    told = Told(
        incident_id="i-1",
        fingerprint="f",
        category="finding",
        severity=Severity.HIGH,
        title=SAID,
        tenant=tenant,
        began_at=at,
        last_at=at,
        count=1,
    )
    message = Message(
        id="m-1",
        kind=MessageKind.BEGAN,
        key="k",
        severity=Severity.HIGH,
        title=SAID,
        incidents=(told,),
        made_at=at,
    )
    file = OutboxFile(home.root)
    await file.open()
    await Outbox(file).put([Outgoing(channel="ops", message=message, incidents=["i-1"])], Edits(), [], 0.0)
    await file.close()


@pytest.mark.parametrize("settings", ["", "storage: memory\n"], ids=["a store", "no store"])
def test_a_tenant_that_is_forgotten_is_forgotten_by_plugins_though_nothing_runs(
    home: Home, capsys: pytest.CaptureFixture[str], settings: str
) -> None:
    home.config_file.write_text(settings)
    if not settings:
        asyncio.run(_put(home, [of("ada", tenant="acme")]))
    asyncio.run(_told_of(home, "acme"))
    outbox = home.root / FOLDER / NAME
    assert rows(capsys, "forget", "--tenant", "lab", "--yes") == [{"forgotten": 0, "caught_up": True}]
    assert SAID.encode() in outbox.read_bytes()
    assert rows(capsys, "forget", "--tenant", "acme", "--yes")[0]["caught_up"]
    assert SAID.encode() not in outbox.read_bytes()
    outbox.write_bytes(b"no database")
    assert main(["forget", "--tenant", "acme", "--yes"]) == 1
    assert "the plugin alerts may have something left of it" in capsys.readouterr().err


async def test_a_control_that_lives_does_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        await control.traces.put([of("ada"), of("ada"), of("bob")])
        told = await rows_of_control(capsys, "forget", "--user", "ada", "--yes")
        assert told == [{"forgotten": 2, "caught_up": True}]
        left = await control.traces.list(Scope(), ExchangeFilter(), limit=10)
        assert [row.user for row in left.rows] == ["bob"]
        (entry,) = await rows_of_control(capsys, "audit")
        assert (entry["action"], entry["subject"], entry["details"]) == ("forget", "user=ada", {"count": "2"})
        assert await asyncio.to_thread(main, ["forget", "--text", "", "--yes"]) == 1
    assert "at least one character" in capsys.readouterr().err
    assert not (home.root / "midwatch.db").exists()
