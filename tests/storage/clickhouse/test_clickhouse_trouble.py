import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from midwatch_clickhouse.address import Address, parse_url
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.server_errors import storage_error
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.errors import SchemaError, StorageError, StorageUnavailableError
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
from tests.ports import free_port
from tests.storage.clickhouse.engine import Engine, running_engine

ADDRESS = Address(host="h", port=8123, database="d", user="u", password="hunter2")


@pytest.fixture
async def impatient(url: str) -> AsyncIterator[ClickHouseTraces]:
    """A started repository that waits a second and no longer."""
    repository = ClickHouseTraces(parse_url(f"{url}?timeout_s=1&connect_timeout_s=1"))
    await repository.start()
    yield repository
    await repository.close()


async def test_a_frozen_server_is_unavailable_and_what_was_sent_is_kept_once(
    engine: Engine, impatient: ClickHouseTraces, url: str
) -> None:
    batch = [make_exchange() for _ in range(10)]
    engine.freeze()
    try:
        with pytest.raises(StorageUnavailableError, match="can't be reached"):
            await impatient.put(batch)
        with pytest.raises(StorageUnavailableError):
            await impatient.list(Scope(), ExchangeFilter(), limit=1)
        starting = ClickHouseTraces(parse_url(f"{url}?timeout_s=1"))
        with pytest.raises(StorageUnavailableError):
            await starting.start()
    finally:
        engine.thaw()
    async with asyncio.timeout(60):
        while True:
            try:
                await impatient.put(batch)
                (row,) = await impatient.costs(Scope(), ExchangeFilter(), by=[])
                rows = (await impatient.list(Scope(), ExchangeFilter(), limit=50)).rows
            except StorageUnavailableError:  # on a busy machine a second may be too little even now
                await asyncio.sleep(0.05)
            else:
                break
    assert row.calls == 10
    assert len(rows) == 10


async def test_a_server_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    batch, later = [make_exchange() for _ in range(10)], [make_exchange() for _ in range(5)]
    with running_engine(tmp_path) as first:
        admin = Connection(parse_url(first.url("default")))
        await admin.open()
        await admin.command("CREATE DATABASE kept")
        await admin.close()
        repository = ClickHouseTraces(parse_url(first.url("kept")))
        await repository.start()
        await repository.put(batch)
        first.kill()
    with pytest.raises(StorageUnavailableError, match="can't be reached"):
        await repository.put(later)
    with pytest.raises(StorageUnavailableError):
        await repository.get(Scope(), batch[0].id)
    with running_engine(tmp_path, port=first.port):
        await repository.put(batch)
        await repository.put(later)
        assert await repository.get(Scope(), batch[0].id) == batch[0]
        (row,) = await repository.costs(Scope(), ExchangeFilter(), by=[])
        assert row.calls == 15
        await repository.close()


async def test_nobody_listens_there() -> None:
    repository = ClickHouseTraces(parse_url(f"clickhouse://u:hunter2@127.0.0.1:{free_port()}/d"))
    with pytest.raises(StorageUnavailableError, match="can't be reached") as raised:
        await repository.start()
    assert "hunter2" not in str(raised.value)


async def test_something_else_listens_there() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    repository = ClickHouseTraces(parse_url(f"clickhouse://127.0.0.1:{port}/d?timeout_s=30"))
    with pytest.raises(StorageError):
        await repository.start()
    server.close()


async def test_no_such_database(engine: Engine) -> None:
    repository = ClickHouseTraces(parse_url(engine.url("nowhere")))
    with pytest.raises(StorageError, match="there is no such database: CREATE DATABASE it, or name another") as raised:
        await repository.start()
    assert not isinstance(raised.value, StorageUnavailableError)
    assert "\n" not in str(raised.value)


async def test_tables_that_are_gone(repository: ClickHouseTraces, url: str) -> None:
    connection = Connection(parse_url(url))
    await connection.open()
    await connection.command("DROP TABLE texts SYNC")
    with pytest.raises(SchemaError, match="run `midwatch migrate up`"):
        await repository.put([make_exchange()])
    await connection.close()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (516, StorageError, "wrong user or password"),
        (497, StorageError, "grant SELECT, INSERT"),
        (81, StorageError, "no such database"),
        (60, SchemaError, "midwatch migrate up"),
        (252, StorageUnavailableError, "too many parts"),
        (242, StorageUnavailableError, "read-only"),
        (164, StorageUnavailableError, "read-only"),
        (243, StorageUnavailableError, "disk is full"),
        (241, StorageUnavailableError, "out of memory"),
        (999, StorageUnavailableError, "Keeper"),
        (53, StorageError, "Type mismatch"),
    ],
)
def test_errors_of_the_server(code: int, kind: type[StorageError], words: str) -> None:
    error = storage_error(DatabaseError("Type mismatch\n  and more", code=code), ADDRESS)
    assert type(error) is kind
    assert words in str(error)
    assert "hunter2" not in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "error",
    [OperationalError("Network Error"), DatabaseError("502 Bad Gateway"), TimeoutError(), ConnectionError("reset")],
)
def test_no_answer_is_unavailable(error: Exception) -> None:
    assert type(storage_error(error, ADDRESS)) is StorageUnavailableError


async def test_damaged_data_is_a_storage_error(repository: ClickHouseTraces, url: str) -> None:
    exchange = make_exchange()
    await repository.put([exchange])
    connection = Connection(parse_url(url))
    await connection.open()
    for damage in ("{", "{}", "[]", '{"exchange": {"request": null, "response": null}}'):
        await connection.command(
            "ALTER TABLE exchanges UPDATE detail = {damage:String} WHERE 1", {"damage": damage}, {"mutations_sync": "2"}
        )
        with pytest.raises(StorageError) as raised:
            await repository.get(Scope(), exchange.id)
        assert "\n" not in str(raised.value)
    await connection.close()


async def test_a_moment_that_no_column_holds(repository: ClickHouseTraces) -> None:
    good, bad = make_exchange(), make_exchange(started_at=datetime(1815, 6, 18, tzinfo=UTC))
    with pytest.raises(StorageError, match="before 1900 or after 2299"):
        await repository.put([good, bad])
    assert await repository.get(Scope(), good.id) is None
    far = ExchangeFilter(since=datetime(1815, 1, 1, tzinfo=UTC), until=datetime(9999, 1, 1, tzinfo=UTC))
    await repository.put([good])
    assert len((await repository.list(Scope(), far, limit=9)).rows) == 1
    assert (await repository.list(Scope(), ExchangeFilter(since=far.until), limit=9)).rows == ()


async def test_numbers_beyond_64_bits_do_not_spoil_sums(repository: ClickHouseTraces) -> None:
    exchange = make_exchange(status=10**30)
    await repository.put([exchange])
    assert await repository.get(Scope(), exchange.id) == exchange
    assert (await repository.list(Scope(), ExchangeFilter(), limit=1)).rows[0].status == 10**12
    with pytest.raises(StorageError):
        await repository.list(Scope(), ExchangeFilter(status=10**30), limit=1)
