"""Forgetting a tenant: nothing of it waits, was told or is kept, in no byte of the outbox; the others stay."""

import asyncio
import resource
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from midwatch_alerts import Alerts
from midwatch_alerts.deliveries import Deliveries
from midwatch_alerts.outbox_file import FOLDER, NAME, OutboxFile
from midwatch_alerts.settings import Settings
from midwatch_core import Delivery, Forgotten, IncidentChange, Role, Severity, StorageError
from tests.plugins.alerts.alerts_house import NOW, SetClock, done, host, incident, settings, webhook
from tests.plugins.alerts.channels.receiver import Receiver, receiving

BEGAN, RESOLVED = IncidentChange.BEGAN, IncidentChange.RESOLVED
OURS, THEIRS = "lantern goes wild", "harbour goes wild"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


def told(receiver: Receiver, **changes: Any) -> Settings:
    """Two channels that take what they get."""
    return settings([webhook(receiver.url), webhook(receiver.url, "more")], **changes)


async def raise_both(plugin: Alerts, **changes: Any) -> None:
    """Trouble of a tenant that is to be forgotten, and the like of another."""
    for number, (tenant, title) in enumerate((("acme", OURS), ("lab", THEIRS)), start=1):
        await done(plugin.notify(incident(number, tenant=tenant, title=title, **changes), BEGAN))


async def kept(home: Path) -> list[Delivery]:
    file = OutboxFile(home)
    await file.open()
    try:
        return await Deliveries(file).newest(limit=100)
    finally:
        await file.close()


async def until_sent(home: Path, count: int) -> None:
    async with asyncio.timeout(30):
        while sum(one.sent_at is not None for one in await kept(home)) < count:
            await asyncio.sleep(0.05)


def holding(home: Path, text: str) -> set[str]:
    return {path.name for path in (home / FOLDER).iterdir() if text.encode() in path.read_bytes()}


def free_pages(home: Path) -> int:
    """Pages that may have something in them yet."""
    with closing(sqlite3.connect(home / FOLDER / NAME)) as connection:
        (count,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(count)


async def test_what_was_sent_and_told_goes_from_every_byte_and_others_stay(tmp_path: Path, receiver: Receiver) -> None:
    house, plugin = host(tmp_path), Alerts(told(receiver, group_s=0))
    await done(plugin.startup(house))
    await raise_both(plugin, details={str(number): "x" * 900 for number in range(20)})
    await until_sent(tmp_path, 4)
    assert holding(tmp_path, OURS)
    await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    assert (holding(tmp_path, OURS), holding(tmp_path, "acme"), free_pages(tmp_path)) == (set(), set(), 0)
    assert {one.title for one in await kept(tmp_path)} == {THEIRS}
    for number, tenant in ((1, "acme"), (2, "lab")):
        await done(plugin.notify(incident(number, tenant=tenant, resolved_at=NOW), RESOLVED))
    await until_sent(tmp_path, 4)
    assert {one.incidents for one in await kept(tmp_path)} == {("i-2",)}
    await done(plugin.shutdown(house))


async def test_what_waits_to_be_told_is_told_nobody(tmp_path: Path, receiver: Receiver) -> None:
    clock = SetClock()
    house, plugin = host(tmp_path, clock=clock), Alerts(told(receiver, group_s=30))
    await done(plugin.startup(house))
    await raise_both(plugin)
    await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    assert (holding(tmp_path, "acme"), holding(tmp_path, "lab")) == (set(), {NAME})
    clock.pass_by(31)
    await until_sent(tmp_path, 2)
    await done(plugin.shutdown(house))
    assert {one.incidents for one in await kept(tmp_path)} == {("i-2",)}


async def test_a_digest_of_several_tenants_keeps_what_it_says_of_the_others(tmp_path: Path, receiver: Receiver) -> None:
    house, plugin = host(tmp_path), Alerts(told(receiver, digest_s=1))
    await done(plugin.startup(house))
    await raise_both(plugin, severity=Severity.LOW)
    await until_sent(tmp_path, 2)
    await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    await done(plugin.shutdown(house))
    assert (holding(tmp_path, OURS), holding(tmp_path, THEIRS)) == (set(), {NAME})
    assert [(one.title, one.incidents) for one in await kept(tmp_path)] == [
        ("2 alerts that are not urgent", ("i-2",)),
        ("2 alerts that are not urgent", ("i-2",)),
    ]


async def test_with_a_moment_only_older_messages_go_and_the_tenant_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    house, plugin = host(tmp_path), Alerts(settings([webhook(receiver.url)], group_s=0))
    await done(plugin.startup(house))
    await raise_both(plugin)
    await until_sent(tmp_path, 2)
    await done(plugin.forgotten(Forgotten(tenant="acme", until=NOW - timedelta(days=1)), house))
    assert len(await kept(tmp_path)) == 2
    await done(plugin.forgotten(Forgotten(tenant="acme", until=datetime.now(UTC) + timedelta(days=1)), house))
    assert [one.title for one in await kept(tmp_path)] == [THEIRS]
    await done(plugin.notify(incident(1, title=OURS, resolved_at=NOW), RESOLVED))
    await until_sent(tmp_path, 2)  # it was told of the beginning: it is told of the end
    await done(plugin.shutdown(house))


@pytest.mark.parametrize(
    "who",
    [Forgotten(tenant="acme", user="ada"), Forgotten(user="ada"), Forgotten(tenant="acme", narrowed=True)],
    ids=["a user of it", "a user", "some of it"],
)
async def test_of_less_than_a_tenant_nothing_goes(tmp_path: Path, receiver: Receiver, who: Forgotten) -> None:
    house, plugin = host(tmp_path), Alerts(settings([webhook(receiver.url)], group_s=0))
    await done(plugin.startup(house))
    await raise_both(plugin)
    await until_sent(tmp_path, 2)
    assert plugin.forgotten(who, house) is None
    await done(plugin.shutdown(house))
    assert len(await kept(tmp_path)) == 2


async def test_where_nothing_runs_the_file_itself_is_seen_to(tmp_path: Path, receiver: Receiver) -> None:
    house, plugin = host(tmp_path), Alerts(told(receiver, group_s=0))
    command = replace(house, role=Role.COMMAND)
    await done(Alerts(told(receiver)).forgotten(Forgotten(tenant="acme"), command))
    assert not (tmp_path / FOLDER).exists()
    await done(plugin.startup(house))
    await raise_both(plugin)
    await until_sent(tmp_path, 4)
    await done(plugin.notify(incident(3, title=OURS, severity=Severity.LOW), BEGAN))  # it waits for its digest
    await done(plugin.shutdown(house))
    (tmp_path / FOLDER / "outbox.broken").write_bytes(OURS.encode())
    await done(Alerts(Settings()).forgotten(Forgotten(tenant="acme"), command))
    assert (holding(tmp_path, OURS), holding(tmp_path, "acme")) == (set(), set())
    assert {one.title for one in await kept(tmp_path)} == {THEIRS}


async def test_a_message_that_can_not_be_read_goes_too_and_one_who_reads_holds_it_up(
    tmp_path: Path, receiver: Receiver
) -> None:
    house, plugin = host(tmp_path), Alerts(told(receiver, group_s=0))
    await done(plugin.startup(house))
    await raise_both(plugin)
    await until_sent(tmp_path, 4)
    reader = sqlite3.connect(tmp_path / FOLDER / NAME)
    reader.execute("UPDATE message SET document = x'00ff' WHERE title = ?", (THEIRS,))
    reader.commit()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    with pytest.raises(StorageError, match="another process reads it"):
        await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    reader.close()
    await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    await done(plugin.shutdown(house))
    assert await kept(tmp_path) == []
    assert holding(tmp_path, OURS) | holding(tmp_path, THEIRS) == set()


async def test_a_file_that_can_not_be_written_is_told_to_have_something_left(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The limit on file sizes makes the kernel refuse to write, as a full disk does: the outbox goes on in memory."""
    house, plugin = host(tmp_path), Alerts(told(receiver, group_s=3_600))
    await done(plugin.startup(house))
    await raise_both(plugin)
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        await raise_both(plugin, count=2)
        with pytest.raises(StorageError, match="can't be written, and has what was deleted"):
            await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert holding(tmp_path, OURS)
    await done(plugin.forgotten(Forgotten(tenant="acme"), house))
    await done(plugin.shutdown(house))
    assert (holding(tmp_path, OURS), holding(tmp_path, THEIRS)) == (set(), {NAME})
