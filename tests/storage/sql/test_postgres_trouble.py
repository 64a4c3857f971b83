import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from midwatch_core.errors import SchemaError, StorageError, StorageUnavailableError
from midwatch_core.ports import MetadataRepository
from midwatch_core.testing.audit_contract import check_chain, make_record
from midwatch_sql.metadata import SqlMetadata
from midwatch_sql.postgres_address import parse_url
from midwatch_sql.postgres_store import PostgresStore
from tests.storage.sql.postgres_server import PostgresServer

TIMEOUT_S = 2.0
# A call may take its timeout, and the time a connection that does not answer is given to end.
LONGEST_S = 30.0


def metadata(url: str, timeout_s: float = TIMEOUT_S) -> SqlMetadata:
    return SqlMetadata(PostgresStore(parse_url(url), timeout_s=timeout_s))


async def unavailable(repository: MetadataRepository, reason: str) -> None:
    async with asyncio.timeout(LONGEST_S):
        with pytest.raises(StorageUnavailableError, match=reason) as raised:
            await repository.append_audit(make_record("lost"))
        with pytest.raises(StorageUnavailableError):
            await repository.setting("a")
    assert "\n" not in str(raised.value)


async def back(repository: MetadataRepository) -> None:
    """Asserts that it works again."""
    async with asyncio.timeout(LONGEST_S):
        await repository.append_audit(make_record("back"))
        assert await repository.setting("a") == "1"


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may kill."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
async def repository(own_server: PostgresServer) -> AsyncIterator[MetadataRepository]:
    repository = metadata(own_server.url())
    await repository.start()
    await repository.keep_setting("a", "1")
    await repository.append_audit(make_record("first"))
    yield repository
    await repository.close()


async def test_a_killed_server_comes_back(own_server: PostgresServer, repository: MetadataRepository) -> None:
    await asyncio.gather(*(repository.setting("a") for _ in range(5)))  # several connections will be dead
    own_server.kill()
    await unavailable(repository, "can't be reached")
    own_server.start()
    await back(repository)
    await asyncio.gather(*(repository.setting("a") for _ in range(5)))
    await check_chain(repository, 2)


async def test_a_server_killed_while_it_is_written(own_server: PostgresServer, repository: MetadataRepository) -> None:
    kept = 1

    async def write() -> None:
        nonlocal kept
        while True:
            await repository.append_audit(make_record("more"))
            kept += 1

    async with asyncio.timeout(LONGEST_S):
        writers = [asyncio.create_task(write()) for _ in range(8)]
        while kept < 50:
            await asyncio.sleep(0)
        await asyncio.to_thread(own_server.kill)
        outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageUnavailableError}
    own_server.start()
    await back(repository)
    entry = await repository.append_audit(make_record("last"))
    # What was answered is there; of each writer one entry more may be, whose answer was lost.
    assert kept + 2 <= entry.number <= kept + 2 + len(writers)
    await check_chain(repository, entry.number)


async def test_a_frozen_server_is_waited_for_no_longer_than_the_timeout(
    own_server: PostgresServer, repository: MetadataRepository
) -> None:
    own_server.signal(signal.SIGSTOP)
    try:
        await unavailable(repository, "no answer in time")
    finally:
        own_server.signal(signal.SIGCONT)
    await back(repository)


async def test_closing_does_not_wait_for_a_frozen_server(
    own_server: PostgresServer, repository: MetadataRepository
) -> None:
    own_server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(LONGEST_S):
            await repository.close()
    finally:
        own_server.signal(signal.SIGCONT)


async def test_starting_without_a_server_is_for_later(own_server: PostgresServer) -> None:
    own_server.kill()
    repository = metadata(own_server.url())
    assert repository.migrations is not None
    for attempt in (repository.start(), repository.start(migrate=False), repository.migrations.state()):
        with pytest.raises(StorageUnavailableError, match="can't be reached"):
            await attempt
    own_server.start()
    await repository.start()
    await repository.close()


async def test_a_listener_that_never_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        repository = metadata(f"postgresql://ann:secret@127.0.0.1:{silent.getsockname()[1]}/x", timeout_s=0.2)
        async with asyncio.timeout(LONGEST_S):
            with pytest.raises(StorageUnavailableError, match="no answer in time"):
                await repository.start()


async def test_a_host_there_is_none_of() -> None:
    with pytest.raises(StorageUnavailableError, match="can't be reached"):
        await metadata("postgresql://ann:secret@midwatch.invalid/x").start()


@pytest.mark.parametrize(
    ("user", "password", "database", "reason"),
    [
        ("midwatch", "Hunter-9-secret", "postgres", "wrong user or password"),
        ("nobody", "Hunter-9-secret", "postgres", "wrong user or password"),
        ("midwatch", None, "absent", "there is no such database"),
    ],
)
async def test_wrong_credentials_are_said_without_them(
    postgres: PostgresServer, user: str, password: str | None, database: str, reason: str
) -> None:
    repository = metadata(postgres.url(database, user=user, password=password))
    with pytest.raises(StorageError, match=reason) as raised:
        await repository.start()
    assert not isinstance(raised.value, StorageUnavailableError)
    assert "Hunter-9-secret" not in str(raised.value)
    assert postgres.password not in str(raised.value)


async def test_a_server_without_tls_is_not_trusted_where_tls_is_asked_for(postgres: PostgresServer) -> None:
    with pytest.raises(StorageError, match="SSL"):
        await metadata(f"{postgres.url()}?sslmode=require").start()


async def test_a_user_who_may_not_write(postgres: PostgresServer, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'guest'", database)
    try:
        guest = metadata(postgres.url(database, user="guest", password="guest"))
        with pytest.raises(StorageError, match="lacks a permission"):
            await guest.start()
        owner = metadata(postgres_url)
        await owner.start()
        await owner.close()
        postgres.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest", database)
        await guest.start(migrate=False)
        assert await guest.setting("a") is None
        with pytest.raises(StorageError, match="lacks a permission"):
            await guest.keep_setting("a", "1")
        await guest.close()
    finally:
        postgres.sql("DROP OWNED BY guest; DROP ROLE guest", database)


async def test_more_connections_than_the_server_takes(postgres: PostgresServer, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    repository = metadata(postgres_url)
    await repository.start()
    postgres.sql("CREATE ROLE crowd LOGIN PASSWORD 'crowd' CONNECTION LIMIT 0", database)
    try:
        crowded = metadata(postgres.url(database, user="crowd", password="crowd"))
        with pytest.raises(StorageUnavailableError, match="short of something"):
            await crowded.start()
    finally:
        postgres.sql("DROP ROLE crowd", database)
    await repository.close()


async def test_more_callers_than_connections_take_turns(postgres_url: str) -> None:
    repository = metadata(postgres_url, timeout_s=60)
    await repository.start()
    assert await asyncio.gather(*(repository.setting("a") for _ in range(100))) == [None] * 100
    await repository.close()


async def test_one_who_holds_the_lock_does_not_hold_others_for_ever(postgres_url: str) -> None:
    repository = metadata(postgres_url)
    await repository.start()
    other = await asyncpg.connect(postgres_url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("SELECT pg_advisory_xact_lock($1)", int.from_bytes(b"midwatch"))
    with pytest.raises(StorageUnavailableError, match="another process holds it locked"):
        await repository.append_audit(make_record("waits"))
    assert await repository.setting("a") is None
    await transaction.rollback()
    await other.close()
    await repository.append_audit(make_record("goes on"))
    await check_chain(repository, 1)
    await repository.close()


async def test_connections_that_the_server_ended_are_replaced(postgres: PostgresServer, postgres_url: str) -> None:
    repository = metadata(postgres_url)
    await repository.start()
    await asyncio.gather(*(repository.keep_setting(f"{number}", "1") for number in range(5)))
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'midwatch'")
    assert await repository.setting("1") == "1"
    await repository.close()


async def test_a_cancelled_call_leaves_the_repository_usable(postgres_url: str) -> None:
    repository = metadata(postgres_url)
    await repository.start()
    for turns in range(40):
        call = asyncio.create_task(repository.append_audit(make_record("given up")))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    entry = await repository.append_audit(make_record("kept"))
    await check_chain(repository, entry.number)
    await repository.close()


@pytest.mark.parametrize("wrong", ["half of a pair \ud83e", "\udcff"])
async def test_half_a_character_is_refused_and_not_shown(postgres_url: str, wrong: str) -> None:
    repository = metadata(postgres_url)
    await repository.start()
    with pytest.raises(StorageError, match="a value can't be kept") as raised:
        await repository.keep_setting("a", wrong)
    assert not isinstance(raised.value, StorageUnavailableError)
    assert "half" not in str(raised.value)
    await repository.close()


async def test_a_dropped_schema_is_an_error_of_the_port(postgres: PostgresServer, postgres_url: str) -> None:
    repository = metadata(postgres_url)
    await repository.start()
    postgres.sql("DROP TABLE settings", postgres_url.rpartition("/")[2])
    with pytest.raises(StorageError, match='relation "settings" does not exist'):
        await repository.setting("a")
    with pytest.raises(SchemaError, match="no settings"):
        await metadata(postgres_url).start()
    await repository.close()
