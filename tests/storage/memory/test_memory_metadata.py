from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.audit_contract import make_record
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.testing.incidents_contract import listed, make_incident
from midwatch_core.testing.metadata_contract import MetadataRepositoryContract
from midwatch_core.testing.reports_contract import make_report
from midwatch_memory import open_metadata


async def opened(url: str = "memory://") -> MetadataRepository:
    repository = open_metadata(url)
    assert repository is not None
    await repository.start()
    return repository


class TestMemoryMetadata(MetadataRepositoryContract):
    @pytest.fixture
    async def repository(self) -> AsyncIterator[MetadataRepository]:
        repository = await opened()
        yield repository
        await repository.close()


async def test_there_is_nothing_to_migrate() -> None:
    repository = await opened()
    assert repository.migrations is None
    await repository.close()
    await repository.start(migrate=False)


async def test_the_oldest_entries_make_room_and_numbers_go_on() -> None:
    repository = await opened("memory://?exchanges=3")
    for number in range(5):
        await repository.append_audit(make_record(f"s{number}"))
    assert [entry.number for entry in await repository.audit(Scope(), limit=9)] == [5, 4, 3]


async def test_incidents_that_ended_make_room_before_those_that_go_on() -> None:
    repository = await opened("memory://?exchanges=3")
    for number, ended in enumerate((3, None, 2, None, None)):
        end = None if ended is None else BEGINNING + timedelta(days=ended)
        at = BEGINNING + timedelta(hours=number)
        await repository.keep_incident(make_incident(f"{number}", last_at=at, resolved_at=end))
    assert set(await listed(repository)) == {"1", "3", "4"}
    await repository.keep_incident(make_incident("5", last_at=BEGINNING + timedelta(days=1)))
    assert set(await listed(repository)) == {"3", "4", "5"}


async def test_the_oldest_reports_make_room() -> None:
    repository = await opened()
    for number in range(101):
        await repository.keep_report(make_report(f"{number}", created_at=BEGINNING - timedelta(days=number == 6)))
    reports = await repository.reports(Scope(), limit=200)
    assert len(reports) == 100
    assert "6" not in {report.id for report in reports}
