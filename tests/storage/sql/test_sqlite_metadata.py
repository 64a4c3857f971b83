import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.audit_contract import make_record
from midwatch_core.testing.incidents_contract import make_incident
from midwatch_core.testing.metadata_contract import (
    MetadataRepositoryContract,
    SharedMetadataContract,
    make_key,
    make_tenant,
)
from midwatch_sql import open_metadata


async def opened(path: Path) -> MetadataRepository:
    repository = open_metadata(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    return repository


class TestSqliteMetadata(MetadataRepositoryContract):
    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[MetadataRepository]:
        repository = await opened(tmp_path / "midwatch.db")
        yield repository
        await repository.close()


class TestTwoSqliteMetadata(SharedMetadataContract):
    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[MetadataRepository]:
        repository = await opened(tmp_path / "midwatch.db")
        yield repository
        await repository.close()

    @pytest.fixture
    async def other(self, repository: MetadataRepository, tmp_path: Path) -> AsyncIterator[MetadataRepository]:
        other = await opened(tmp_path / "midwatch.db")
        yield other
        await other.close()


async def test_looking_at_a_schema_makes_no_file(tmp_path: Path) -> None:
    repository = open_metadata(f"sqlite:///{tmp_path}/midwatch.db")
    assert repository is not None
    assert repository.migrations is not None
    assert (await repository.migrations.state()).current is None
    assert list(tmp_path.iterdir()) == []


async def test_reading_only_does_not_migrate(tmp_path: Path) -> None:
    await (await opened(tmp_path / "midwatch.db")).close()
    reader = open_metadata(f"sqlite:///{tmp_path}/midwatch.db?mode=ro")
    assert reader is not None
    assert reader.migrations is not None
    for attempt in (reader.migrations.up(), reader.migrations.down(None)):
        with pytest.raises(StorageError, match="mode=ro"):
            await attempt
    await reader.start()
    assert list(await reader.tenants()) == []
    with pytest.raises(StorageError, match="mode=ro"):
        await reader.keep_tenant(make_tenant("acme"))
    await reader.close()


async def test_a_damaged_file_is_an_error_of_the_port(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    for number in range(200):
        await repository.append_audit(make_record(f"s{number}"))
    await repository.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    assert repository.migrations is not None
    attempts = (repository.start(), repository.migrations.state(), repository.migrations.up())
    for attempt in attempts:
        with pytest.raises(StorageError, match=r"midwatch\.db: the file is damaged"):
            await attempt


async def test_a_file_that_is_no_database_is_an_error_of_the_port(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    path.write_bytes(b"a letter to my aunt " * 1000)
    repository = open_metadata(f"sqlite:///{path}")
    assert repository is not None
    assert repository.migrations is not None
    for attempt in (repository.start(), repository.migrations.state(), repository.migrations.up()):
        with pytest.raises(StorageError, match="no SQLite database: move it away"):
            await attempt


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE tenants SET networks = '['", lambda one: one.tenants()),
        ("UPDATE api_keys SET role = 'owner'", lambda one: one.keys()),
        ("UPDATE api_keys SET created_at = 9223372036854775807", lambda one: one.keys()),
        ("UPDATE incidents SET severity = 9", lambda one: one.incident(Scope(), "i")),
        ("UPDATE incidents SET details = '{'", lambda one: one.incident(Scope(), "i")),
    ],
    ids=["a list", "a role", "a moment", "a severity", "details"],
)
async def test_a_damaged_row_is_an_error_of_the_port(
    tmp_path: Path, damage: str, read: Callable[[MetadataRepository], Awaitable[object]]
) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    await repository.keep_tenant(make_tenant("acme"))
    await repository.keep_key(make_key("k"))
    await repository.keep_incident(make_incident("i"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    with pytest.raises(StorageError, match="can't be kept or read"):
        await read(repository)
    await repository.close()


def test_a_new_file_and_a_current_one_are_used_without_sqlalchemy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/midwatch.db"
    code = (
        "import asyncio, sys\n"
        "from midwatch_core import AuditRecord, moment_of\n"
        "from midwatch_sql import open_metadata\n"
        "async def main(url):\n"
        "    repository = open_metadata(url)\n"
        "    await repository.start()\n"
        "    print((await repository.migrations.state()).is_current)\n"
        "    await repository.append_audit(AuditRecord(at=moment_of(0), actor='a', action='b', subject='c'))\n"
        "    await repository.close()\n"
        "asyncio.run(main(sys.argv[1]))\n"
        "print(sorted({'sqlalchemy', 'alembic', 'asyncpg'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", code, url]
    first, second = (subprocess.run(command, capture_output=True, text=True, timeout=60, check=True) for _ in range(2))
    assert first.stdout == second.stdout == "True\n[]\n"
