import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from midwatch_core.errors import ConfigError, StorageError, StorageUnavailableError
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange, prose
from midwatch_sql import open_metadata, open_traces
from midwatch_sql.location import Location, parse_url
from midwatch_sql.traces import SqliteTraces


def big(number: int) -> str:
    return prose(20_000, number)


async def opened(path: Path) -> SqliteTraces:
    repository = SqliteTraces(Location(path=path))
    await repository.start()
    return repository


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    path.write_bytes(b"a letter to my aunt " * 1000)
    for mode in ("", "?mode=ro"):
        repository = open_traces(f"sqlite:///{path}{mode}")
        assert repository is not None
        with pytest.raises(StorageError, match="no SQLite database: move it away") as raised:
            await repository.start()
        assert "\n" not in str(raised.value)
    assert path.read_bytes().startswith(b"a letter")


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    await repository.put([make_exchange(answer=big(number)) for number in range(50)])
    await repository.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"midwatch\.db: the file is damaged"):
        await opened(path)


async def test_a_damaged_text_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    exchange = make_exchange(answer=big(1))
    await repository.put([exchange])
    for damage in (
        "UPDATE pieces SET body = substr(body, 1, 40)",
        "UPDATE pieces SET body = x'28B52FFDFFFFFFFFFFFFFFFFFF'",
        "DELETE FROM pieces",
        "UPDATE exchanges SET detail = x'00'",
        "UPDATE exchanges SET detail = substr(detail, 1, 60)",
        "UPDATE exchanges SET detail = x''",
    ):
        connection = sqlite3.connect(path)
        connection.execute(damage)
        connection.commit()
        connection.close()
        with pytest.raises(StorageError) as raised:
            await repository.get(Scope(), exchange.id)
        assert "\n" not in str(raised.value)
    await repository.close()


async def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no folder"):
        await opened(tmp_path / "absent" / "midwatch.db")


async def test_a_folder_as_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="can't be opened"):
        await opened(tmp_path)


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    # Nothing stops root in a folder of its own, but nobody makes files under /proc.
    folder = Path("/proc") if os.geteuid() == 0 else tmp_path
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match=r"midwatch\.db"):
        await opened(folder / "midwatch.db")
    tmp_path.chmod(0o700)


async def test_a_file_that_became_read_only(tmp_path: Path) -> None:
    repository = await opened(tmp_path / "midwatch.db")
    await repository.database.write_outside(lambda connection: connection.execute("PRAGMA query_only=1"))
    with pytest.raises(StorageUnavailableError, match="not writable"):
        await repository.put([make_exchange()])
    await repository.database.write_outside(lambda connection: connection.execute("PRAGMA query_only=0"))
    await repository.put([make_exchange()])
    await repository.close()


async def test_a_full_disk_leaves_the_batch_out_and_passes(tmp_path: Path) -> None:
    repository = await opened(tmp_path / "midwatch.db")
    kept = make_exchange(answer=big(0))
    await repository.put([kept])

    def limit(pages: int) -> None:
        connection = repository.database.writer
        assert connection is not None
        connection.execute(f"PRAGMA max_page_count={pages}")

    limit(60)
    batch = [make_exchange(answer=big(number)) for number in range(1, 60)]
    with pytest.raises(StorageUnavailableError, match="the disk is full"):
        await repository.put(batch)
    assert len((await repository.list(Scope(), ExchangeFilter(), limit=100)).rows) == 1
    assert await repository.get(Scope(), kept.id) == kept
    limit(1_000_000)
    await repository.put(batch)
    assert await repository.get(Scope(), batch[-1].id) == batch[-1]
    await repository.close()


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, resource\n"
        "from midwatch_core.errors import StorageUnavailableError\n"
        "from midwatch_core.testing.factories import make_exchange, prose\n"
        "from midwatch_sql import open_traces\n"
        "async def main():\n"
        "    repository = open_traces(sys.argv[1])\n"
        "    await repository.start()\n"
        "    try:\n"
        "        for number in range(1000):\n"
        "            await repository.put([make_exchange(answer=prose(20_000, number))])\n"
        "    except StorageUnavailableError as error:\n"
        "        print('refused:', error)\n"
        "    await repository.close()\n"
        "asyncio.run(main())\n"
    )
    limit = 600_000
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{tmp_path}/midwatch.db"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.stdout.startswith("refused:"), done.stderr
    assert len(done.stdout.splitlines()) == 1


async def test_locked_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await repository.database.write_outside(lambda connection: connection.execute("PRAGMA busy_timeout=50"))
    with pytest.raises(StorageUnavailableError, match="another process holds it locked"):
        await repository.put([make_exchange()])
    assert (await repository.list(Scope(), ExchangeFilter(), limit=1)).rows == ()
    other.execute("COMMIT")
    other.close()
    await repository.put([make_exchange()])
    await repository.close()


async def test_reading_only(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    reader = open_traces(f"sqlite:///{path}?mode=ro")
    assert reader is not None
    with pytest.raises(StorageError, match=r"no database there yet; `start` makes one"):
        await reader.start()
    assert not path.exists()
    writer = await opened(path)
    exchange = make_exchange()
    await writer.put([exchange])
    await reader.start()
    assert await reader.get(Scope(), exchange.id) == exchange
    with pytest.raises(StorageError, match="mode=ro"):
        await reader.put([exchange])
    await writer.close()
    assert await reader.get(Scope(), exchange.id) == exchange
    await reader.close()
    await reader.start()  # nobody writes: there is no WAL
    assert await reader.get(Scope(), exchange.id) == exchange
    await reader.close()


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = await opened(path)
    await repository.put([make_exchange()])
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    await repository.close()


async def test_numbers_beyond_64_bits_do_not_spoil_sums(tmp_path: Path) -> None:
    repository = await opened(tmp_path / "midwatch.db")
    exchange = make_exchange(status=10**30)
    await repository.put([exchange])
    assert await repository.get(Scope(), exchange.id) == exchange
    assert (await repository.list(Scope(), ExchangeFilter(), limit=1)).rows[0].status == 10**12
    with pytest.raises(StorageError):
        await repository.list(Scope(), ExchangeFilter(status=10**30), limit=1)
    await repository.close()


@pytest.mark.parametrize(
    ("url", "path", "read_only"),
    [
        ("sqlite:///midwatch.db", "midwatch.db", False),
        ("sqlite:////var/lib/m.db", "/var/lib/m.db", False),
        ("sqlite:////a%20b/ü.db?mode=ro", "/a b/ü.db", True),
        ("sqlite:///m.db?mode=rwc", "m.db", False),
    ],
)
def test_urls(url: str, path: str, read_only: bool) -> None:
    assert parse_url(url) == Location(path=Path(path), read_only=read_only)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite://host/x", "sqlite:///x?mode=rw", "sqlite:///x?cache=1", "sqlite:///%00"]
)
def test_refuses_other_urls(url: str) -> None:
    with pytest.raises(ConfigError, match=r"SQLite URL|NUL"):
        open_traces(url)


@pytest.mark.parametrize("url", ["memory://", "postgresql://x/y", ""])
def test_leaves_other_schemes(url: str) -> None:
    assert open_traces(url) is None


@pytest.mark.parametrize("url", ["memory://", "clickhouse://x/y", ""])
def test_metadata_leaves_other_schemes(url: str) -> None:
    assert open_metadata(url) is None


async def test_a_path_with_every_kind_of_character(tmp_path: Path) -> None:
    folder = tmp_path / "a ?b#c%20d&é"
    folder.mkdir()
    repository = await opened(folder / "m.db")
    await repository.put([make_exchange()])
    await repository.close()
    assert (folder / "m.db").exists()
