"""The outbox's file: SQLite in a thread of its own. Where the disk fails it goes on in memory, and says so."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from midwatch_core import StorageError

logger = logging.getLogger(__name__)

FOLDER = "alerts"
NAME = "outbox.db"
_VERSION = 1
_BUSY_S = 5.0
_SCHEMA = """
CREATE TABLE entry (key TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE left_out (channel TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE told (
    key TEXT PRIMARY KEY, incident_id TEXT NOT NULL, severity TEXT NOT NULL, at_s REAL NOT NULL,
    message_id TEXT NOT NULL, over INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, kind TEXT NOT NULL,
    key TEXT NOT NULL, state TEXT NOT NULL, title TEXT NOT NULL, incidents TEXT NOT NULL,
    made_at REAL NOT NULL, since_s REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_s REAL NOT NULL DEFAULT 0,
    sent_at REAL, unsure INTEGER NOT NULL DEFAULT 0, urgent INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '', document BLOB NOT NULL
);
CREATE INDEX message_queue ON message (channel, state, urgent DESC, seq);
CREATE INDEX message_order ON message (channel, key, state, seq);
CREATE TABLE node (id TEXT NOT NULL);
INSERT INTO node VALUES (lower(hex(randomblob(16))));
"""
# Someone must see to the place; until then memory serves.
_PLACE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_BROKEN = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})


class OutboxFile:
    """One connection. `run` gives work a transaction; a process's death loses nothing that `run` has returned from."""

    def __init__(self, home: Path, *, goes_on: bool = True) -> None:
        self._path = home / FOLDER / NAME
        self._aside = self._path.with_suffix(".broken")
        self._goes_on = goes_on
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerts-outbox")
        self._connection: sqlite3.Connection | None = None
        self._in_memory = False

    @property
    def problem(self) -> str:
        """Why nothing outlives the process at the moment; empty where all is well."""
        return f"{self._path} can't be written: what waits is kept in memory" if self._in_memory else ""

    @property
    def exists(self) -> bool:
        """Whether there is one already."""
        return self._path.exists()

    async def open(self) -> None:
        """Open it, or make it; one that is no database is set aside. Raises StorageError."""
        await self._call(self._open)

    async def run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives; what it wrote is kept as a whole, or not at all. Raises StorageError."""
        return await self._call(lambda: self._run(work))

    async def go_back(self) -> None:
        """Where it goes on in memory: back to the disk, if that takes it again."""
        if self._in_memory:
            await self._call(self._go_back)

    async def write_anew(self) -> None:
        """Write the whole file anew, for what was deleted stays in its free space; one that was set aside goes.

        Raises StorageError, also where it goes on in memory: the file has all that it had.
        """
        await self._call(self._write_anew)

    async def close(self) -> None:
        """Let go."""
        try:
            await self._call(self._close)
        finally:
            self._thread.shutdown(wait=False)

    async def _call[T](self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self._path}: {' '.join(str(error).split())[:300]}") from error

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._connection = _opened(self._path)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _BROKEN or not self._goes_on:
                raise
            logger.error(
                "alerts: %s is no database that can be read (%s): set aside as %s", self._path, error, self._aside
            )
            self._path.replace(self._aside)
            for suffix in ("-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            self._connection = _opened(self._path)

    def _run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        assert self._connection is not None, "open it first"
        try:
            return _transaction(self._connection, work)
        except sqlite3.OperationalError as error:
            if self._in_memory or not self._goes_on or _code(error) not in _PLACE:
                raise
            logger.error("alerts: %s can't be written (%s): going on in memory", self._path, error)
        self._connection = _copied(self._connection)
        self._in_memory = True
        return _transaction(self._connection, work)

    def _go_back(self) -> None:
        assert self._connection is not None, "it is in memory"
        with suppress(sqlite3.Error, OSError):
            fresh = _opened(self._path)
            try:
                self._connection.backup(fresh)
                _transaction(fresh, lambda connection: connection.execute("UPDATE node SET id = id"))
            except sqlite3.Error:
                fresh.close()
                raise
            self._connection.close()
            self._connection, self._in_memory = fresh, False
            logger.warning("alerts: %s can be written again", self._path)

    def _write_anew(self) -> None:
        assert self._connection is not None, "open it first"
        self._aside.unlink(missing_ok=True)
        if self._in_memory:
            self._go_back()
        if self._in_memory:
            raise sqlite3.OperationalError("it can't be written, and has what was deleted")
        self._connection.execute("VACUUM")
        if self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise sqlite3.OperationalError("another process reads it: what was deleted is still in its log")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        _transaction(connection, _with_schema)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _with_schema(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.NotSupportedError(f"written by a newer Midwatch (version {version})")
    if version == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={_VERSION}")


def _transaction[T](connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    with ExitStack() as unless_kept:
        unless_kept.callback(_roll_back, connection)
        result = work(connection)
        connection.execute("COMMIT")
        unless_kept.pop_all()
    return result


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # some errors have rolled back already
        connection.execute("ROLLBACK")


def _copied(connection: sqlite3.Connection) -> sqlite3.Connection:
    """What a connection had, in memory; nothing of it where it can't be read."""
    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection), suppress(sqlite3.Error):
        connection.backup(memory)
    _transaction(memory, _with_schema)
    return memory


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
