"""The outbox: what was written outlives the process, in order, bounded; a bad file or a full disk stops no alert."""

import resource
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_alerts import outbox as outbox_room
from midwatch_alerts.deliveries import Deliveries
from midwatch_alerts.entry import Entry, Group, Trouble
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.outbox import Claimed, Outbox, Outgoing
from midwatch_alerts.outbox_file import FOLDER, NAME, OutboxFile
from midwatch_alerts.told import ToldOf
from midwatch_alerts.waiting import Edits
from midwatch_core import DeliveryState, Severity, StorageError
from tests.plugins.alerts.alerts_house import NOW, incident

NOW_S = NOW.timestamp()


@asynccontextmanager
async def opened(home: Path, *, goes_on: bool = True) -> AsyncIterator[tuple[Outbox, Deliveries, OutboxFile]]:
    file = OutboxFile(home, goes_on=goes_on)
    await file.open()
    try:
        yield Outbox(file), Deliveries(file), file
    finally:
        await file.close()


def going(number: int, *, channel: str = "ops", key: str | None = None) -> Outgoing:
    message = Message(
        id=f"m-{number:05}",
        kind=MessageKind.BEGAN,
        key=key or f"k-{number}",
        severity=Severity.HIGH,
        title=f"Trouble {number}",
        incidents=(),
        made_at=NOW,
    )
    return Outgoing(channel=channel, message=message, incidents=(f"i-{number}",))


async def put(box: Outbox, *messages: Outgoing) -> None:
    await box.put(messages, Edits(), [], NOW_S)


async def claimed(box: Outbox, now_s: float = NOW_S, channel: str = "ops") -> str | float | None:
    found = await box.claim(channel, now_s)
    return found.message.id if isinstance(found, Claimed) else found


async def test_what_waits_and_what_was_told_is_there_after_a_restart(tmp_path: Path) -> None:
    group = Group(channel="ops", kind=MessageKind.BEGAN, category="finding", tenant=None)
    entry = Entry(kind=MessageKind.BEGAN, incident=incident(1, tenant=None), group=group, due_s=NOW_S + 30)
    gone = replace(entry, incident=incident(2))
    told = ToldOf(incident_id="i-1", severity=Severity.LOW, at_s=NOW_S, message_id="m-00001")
    trouble = Trouble("ops", None, "finding:1")
    async with opened(tmp_path) as (box, _, _):
        node = (await box.begin(NOW_S)).node
        await box.keep(Edits(put={entry.key: entry, gone.key: gone}, left_out={"ops": 7}))
        await box.put([going(1)], Edits(gone={gone.key}), [(trouble, told)], NOW_S)
    async with opened(tmp_path) as (box, _, _):
        kept = await box.begin(NOW_S)
        assert (kept.node, kept.entries, kept.left_out, kept.told) == (node, [entry], {"ops": 7}, [(trouble, told)])
        assert await claimed(box) == "m-00001"
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / FOLDER / NAME).stat().st_mode & 0o777 == 0o600


async def test_messages_go_in_order_and_one_that_waits_holds_back_those_of_its_key_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (box, _, _):
        await put(box, going(1, key="same"), going(2, key="same"), going(3), going(4, channel="pager", key="same"))
        assert await claimed(box) == "m-00001"
        await box.again("m-00001", "away", next_s=NOW_S + 60, unsure=False, counts=True)
        assert await claimed(box) == "m-00003"
        await box.sent("m-00003", NOW_S)
        assert await claimed(box) == NOW_S + 60
        assert await claimed(box, NOW_S + 60) == "m-00001"
        await box.sent("m-00001", NOW_S)
        assert await claimed(box, NOW_S + 60) == "m-00002"
        assert await claimed(box, channel="pager") == "m-00004"
        assert await claimed(box, channel="nobody") is None


async def test_what_is_critical_goes_before_all_that_waits(tmp_path: Path) -> None:
    critical = going(3)
    critical = replace(critical, message=replace(critical.message, severity=Severity.CRITICAL))
    over = replace(critical, message=replace(critical.message, id="m-over", kind=MessageKind.RESOLVED))
    async with opened(tmp_path) as (box, _, _):
        await put(box, going(1), going(2), critical, over)
        assert [await claimed(box) for _ in range(2)] == ["m-00003", "m-00001"]


async def test_one_that_was_being_sent_is_sent_again_and_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as (box, _, _):
        await put(box, going(1))
        found = await box.claim("ops", NOW_S)
        assert isinstance(found, Claimed)
        assert not found.message.again
        assert await claimed(box) is None
    async with opened(tmp_path) as (box, _, _):
        await box.begin(NOW_S)
        found = await box.claim("ops", NOW_S)
        assert isinstance(found, Claimed)
        assert replace(found.message, incidents=()) == replace(going(1).message, again=True)


async def test_a_clock_that_was_wrong_keeps_nothing_back(tmp_path: Path) -> None:
    ahead_s = NOW_S + 10 * 365 * 86_400
    told = ToldOf(incident_id="i-1", severity=Severity.LOW, at_s=ahead_s, message_id="m")
    async with opened(tmp_path) as (box, _, _):
        await box.put([going(1)], Edits(), [(Trouble("ops", None, "f"), told)], ahead_s)
        await box.again("m-00001", "away", next_s=ahead_s, unsure=False, counts=True)
    async with opened(tmp_path) as (box, _, _):
        ((_, kept),) = (await box.begin(NOW_S)).told
        assert kept.at_s == NOW_S
        found = await box.claim("ops", NOW_S)
        assert isinstance(found, Claimed)
        assert found.since_s == NOW_S


async def test_a_clock_that_jumps_ahead_drops_no_dead_letter(tmp_path: Path) -> None:
    """It was made while the clock was a year behind: its own time says so, the steady one does not."""
    old = going(1)
    old = replace(old, message=replace(old.message, made_at=NOW - timedelta(days=365)))
    async with opened(tmp_path) as (box, deliveries, _):
        await put(box, old)
        await box.give_up("m-00001", "no_service")
        await box.tend(["ops"], NOW_S + 60)
        assert [one.id for one in await deliveries.newest(limit=9)] == ["m-00001"]
        await box.tend(["ops"], NOW_S + 31 * 86_400)
        assert await deliveries.newest(limit=9) == []


async def test_dead_letters_are_shown_and_wait_again_when_somebody_says_so(tmp_path: Path) -> None:
    told = ToldOf(incident_id="i-1", severity=Severity.LOW, at_s=NOW_S, message_id="m-00001")
    async with opened(tmp_path) as (box, deliveries, _):
        await box.put([going(1), going(2)], Edits(), [(Trouble("ops", None, "f"), told)], NOW_S)
        await box.give_up("m-00001", "no_service")
        assert (await box.begin(NOW_S)).told == []
        (dead,) = await deliveries.newest(state=DeliveryState.DEAD, limit=10)
        assert (dead.id, dead.problem, dead.attempts, list(dead.incidents)) == ("m-00001", "no_service", 1, ["i-1"])
        assert await deliveries.newest(incident="i-2", limit=10) == await deliveries.newest(
            state=DeliveryState.WAITING, limit=10
        )
        counts = (await deliveries.counts())["ops"]
        assert (counts.waiting, counts.sent, counts.dead) == (1, 0, 1)
        assert not await deliveries.retry("m-00002", NOW_S)
        assert await deliveries.retry("m-00001", NOW_S)
        assert await claimed(box) == "m-00001"


async def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_room, "MOST_WAITING", 20)
    monkeypatch.setattr(outbox_room, "MOST_DONE", 10)
    async with opened(tmp_path) as (box, deliveries, _):
        critical = replace(going(0), message=replace(going(0).message, severity=Severity.CRITICAL))
        await put(box, critical, *(going(number) for number in range(1, 50)), going(99, channel="gone"))
        lost = await box.tend(["ops"], NOW_S)
        assert len(lost) == 31
        counts = await deliveries.counts()
        assert (counts["ops"].waiting, counts["ops"].dead) == (20, 30)
        assert await claimed(box) == "m-00000"
        await box.tend(["ops"], NOW_S)
        counts = await deliveries.counts()
        assert sum(count.dead for count in counts.values()) == 10
        assert (await deliveries.newest(channel="ops", limit=1))[0].id == "m-00049"
        await box.tend(["ops"], NOW_S + 31 * 86_400)
        assert {name: count.dead for name, count in (await deliveries.counts()).items()} == {"ops": 0}


async def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / NAME).write_bytes(b"not a database at all" * 100)
    async with opened(tmp_path) as (box, _, _):
        await put(box, going(1))
        assert await claimed(box) == "m-00001"
    assert (tmp_path / FOLDER / "outbox.broken").read_bytes().startswith(b"not a database")
    (tmp_path / FOLDER / NAME).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match=r"outbox\.db"):
        async with opened(tmp_path, goes_on=False):
            pass


async def test_a_file_of_a_newer_midwatch_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / FOLDER / NAME)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StorageError, match="newer Midwatch"):
        async with opened(tmp_path):
            pass


async def test_a_full_disk_stops_no_alert_and_the_file_is_taken_up_again(tmp_path: Path) -> None:
    """The limit on file sizes makes the kernel refuse to write, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with opened(tmp_path) as (box, deliveries, file):
        await put(box, going(1))
        size = max(entry.stat().st_size for entry in (tmp_path / FOLDER).iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            for number in range(2, 200):
                await put(box, going(number))
            assert "memory" in file.problem
            assert (await deliveries.counts())["ops"].waiting == 199
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        await box.tend(["ops"], NOW_S)
        assert file.problem == ""
    async with opened(tmp_path) as (box, deliveries, _):
        assert (await deliveries.counts())["ops"].waiting == 199
        assert await claimed(box) == "m-00001"
