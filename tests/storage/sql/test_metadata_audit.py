"""What is changed in the log behind the repository's back is found by the chain."""

import pytest

from midwatch_core.audit_chain import ChainCheck, ChainFault
from midwatch_core.testing.audit_contract import make_record, whole_log
from tests.storage.sql.databases import Database, metadata_of

CHANGES = {
    "actor": ("UPDATE audit_entries SET actor = 'nobody' WHERE number = 4", 4, "changed"),
    "action": ("UPDATE audit_entries SET action = action || '!' WHERE number = 1", 1, "changed"),
    "subject": ("UPDATE audit_entries SET subject = '' WHERE number = 9", 9, "changed"),
    "moment": ("UPDATE audit_entries SET at = at + 1 WHERE number = 4", 4, "changed"),
    "details": ("UPDATE audit_entries SET details = '{}' WHERE number = 4", 4, "changed"),
    "tenant": ("UPDATE audit_entries SET tenant = NULL WHERE number = 4", 4, "changed"),
    "tenant for none": ("UPDATE audit_entries SET tenant = '' WHERE number = 5", 5, "changed"),
    "digest": ("UPDATE audit_entries SET digest = 'ab' || substr(digest, 3) WHERE number = 4", 4, "changed"),
    "link": ("UPDATE audit_entries SET previous = digest WHERE number = 4", 4, "does not follow"),
    "one deleted": ("DELETE FROM audit_entries WHERE number = 4", 5, "entry 4 is missing"),
    "the first deleted": ("DELETE FROM audit_entries WHERE number = 1", 2, "entry 1 is missing"),
    "one inserted": (
        "INSERT INTO audit_entries SELECT 10, at, actor, action, subject, details, tenant, previous, digest "
        "FROM audit_entries WHERE number = 9",
        10,
        "does not follow",
    ),
}


async def fault_after(database: Database, *commands: str) -> ChainFault | None:
    repository = metadata_of(database)
    await repository.start()
    for number in range(9):
        await repository.append_audit(make_record(f"s{number}", tenant="acme" if number % 2 else None))
    await database.change(*commands)
    check = ChainCheck()
    check.take(await whole_log(repository))
    await repository.close()
    return check.fault


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_found_where_it_is(database: Database, change: str) -> None:
    command, number, reason = CHANGES[change]
    fault = await fault_after(database, command)
    assert fault is not None
    assert fault.number == number
    assert reason in fault.reason


async def test_entries_that_changed_places_are_found(database: Database) -> None:
    fault = await fault_after(
        database,
        "UPDATE audit_entries SET number = 100 WHERE number = 3",
        "UPDATE audit_entries SET number = 3 WHERE number = 6",
        "UPDATE audit_entries SET number = 6 WHERE number = 100",
    )
    assert fault == ChainFault(number=3, reason="it does not follow the entry before")


async def test_deleting_and_closing_the_gap_is_found(database: Database) -> None:
    moves = [f"UPDATE audit_entries SET number = {number - 1} WHERE number = {number}" for number in range(5, 10)]
    fault = await fault_after(database, "DELETE FROM audit_entries WHERE number = 4", *moves)
    assert fault == ChainFault(number=4, reason="it does not follow the entry before")


async def test_the_untouched_log_is_whole(database: Database) -> None:
    assert await fault_after(database) is None
