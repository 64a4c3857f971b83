# ruff: noqa: D102  # a test's name is its documentation
"""The audit log of a MetadataRepository: chained, in order, in scope. Part of MetadataRepositoryContract."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from midwatch_core.audit_chain import ChainCheck, chained
from midwatch_core.errors import StorageError
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import BEGINNING

EVERYONE = Scope()
NOBODY = Scope(tenants=frozenset())
NO_ZONE = datetime(2026, 1, 1)  # the fault meant


def make_record(subject: str, **changes: object) -> AuditRecord:
    """An audit record of the installation."""
    record = AuditRecord(at=BEGINNING, actor="cli", action="set", subject=subject, details={"é": "\0"})
    return replace(record, **changes)  # type: ignore[arg-type]  # fields of its


async def whole_log(repository: MetadataRepository, *, page: int = 7) -> list[AuditEntry]:
    """The audit log, oldest first, read in pages."""
    entries: list[AuditEntry] = []
    before = None
    while some := await repository.audit(EVERYONE, limit=page, before=before):
        entries += some
        before = some[-1].number
    return entries[::-1]


async def check_chain(repository: MetadataRepository, count: int) -> None:
    """Asserts that the log has so many entries, and that its chain holds."""
    entries = await whole_log(repository)
    check = ChainCheck()
    check.take(entries)
    assert check.fault is None
    assert [entry.number for entry in entries] == list(range(1, count + 1))


class AuditContract:
    """What holds for every audit log."""

    pytestmark = pytest.mark.asyncio

    async def test_audit_gives_the_newest_first(self, repository: MetadataRepository) -> None:
        # Moments go back: the order is that of the log.
        records = [make_record(f"s{number}", at=BEGINNING - timedelta(seconds=number // 2)) for number in range(5)]
        entries = [await repository.append_audit(record) for record in records]
        assert [entry.record for entry in entries] == records
        assert list(await repository.audit(EVERYONE, limit=3)) == entries[:1:-1]
        assert list(await repository.audit(EVERYONE, limit=50)) == entries[::-1]

    async def test_audit_entries_are_chained_without_gaps(self, repository: MetadataRepository) -> None:
        last = None
        for number in range(20):
            record = make_record(f"s{number}", tenant=("a", "b", None)[number % 3], details={"z": "1", "a": "2"})
            entry = await repository.append_audit(record)
            assert entry == chained(record, last)
            last = entry
        await check_chain(repository, 20)

    async def test_an_entry_that_failed_leaves_no_gap(self, repository: MetadataRepository) -> None:
        await repository.append_audit(make_record("first"))
        for _ in range(3):
            with pytest.raises(StorageError):
                await repository.append_audit(make_record("wrong", at=NO_ZONE))
            with pytest.raises(StorageError):
                await repository.append_audit(make_record("half of a pair \ud83e"))
        await repository.append_audit(make_record("second"))
        await check_chain(repository, 2)

    async def test_entries_appended_at_once_take_turns(self, repository: MetadataRepository) -> None:
        entries = await asyncio.gather(*(repository.append_audit(make_record(f"s{number}")) for number in range(30)))
        assert sorted(entry.number for entry in entries) == list(range(1, 31))
        assert await whole_log(repository) == sorted(entries, key=lambda entry: entry.number)
        await check_chain(repository, 30)

    async def test_audit_stays_in_scope(self, repository: MetadataRepository) -> None:
        tenants = ("ours", "theirs", None, "ours", "", None, "third")
        for number, tenant in enumerate(tenants):
            await repository.append_audit(make_record(f"s{number}", tenant=tenant))
        ours = Scope(tenants=frozenset({"ours", "third", "absent"}))
        assert [entry.number for entry in await repository.audit(ours, limit=50)] == [7, 4, 1]
        assert [entry.number for entry in await repository.audit(ours, limit=1)] == [7]
        assert [entry.number for entry in await repository.audit(ours, limit=5, before=7)] == [4, 1]
        assert [entry.number for entry in await repository.audit(ours, limit=5, before=1)] == []
        assert list(await repository.audit(NOBODY, limit=50)) == []
        assert [entry.number for entry in await repository.audit(EVERYONE, limit=2, before=4)] == [3, 2]


class SharedAuditContract:
    """What holds besides where two repositories, `repository` and `other`, stand over one database."""

    pytestmark = pytest.mark.asyncio

    async def test_two_do_not_fork_the_chain(self, repository: MetadataRepository, other: MetadataRepository) -> None:
        await asyncio.gather(
            *((repository, other)[number % 2].append_audit(make_record(f"s{number}")) for number in range(60))
        )
        await check_chain(repository, 60)
        await check_chain(other, 60)
