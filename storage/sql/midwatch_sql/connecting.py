"""Opening SQLite connections with the settings that FACTS measured: WAL, synchronous NORMAL, patient with locks."""

import sqlite3
import time
from collections.abc import Callable

from midwatch_core import StorageError
from midwatch_sql.location import Location

_BUSY_MS = 10_000
_WAL_ATTEMPTS = 100
_WAL_PAUSE_S = 0.05
_WRITER = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32000",  # KiB
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA secure_delete=ON",  # forgotten texts are overwritten
)


def _connect(uri: str) -> sqlite3.Connection:
    # A connection is used by one thread at a time, not always the same one.
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)


def open_writer(location: Location) -> sqlite3.Connection:
    """A connection that writes; makes the file, with mode 0600. Raises StorageError, sqlite3.Error, OSError."""
    folder = location.path.absolute().parent
    if not folder.is_dir():
        raise StorageError(f"{location.path}: there is no folder {folder}")
    if not location.path.exists():
        location.path.touch(mode=0o600)
    connection = _connect(location.uri(mode="rw"))
    try:
        if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only possible before the first page
        _enter_wal(connection)
        for pragma in _WRITER:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switching to WAL does not wait for other connections' locks by itself: two processes may start at once."""
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or attempt == _WAL_ATTEMPTS - 1:
                raise
        time.sleep(_WAL_PAUSE_S)


def open_reader(location: Location) -> sqlite3.Connection:
    """A connection that never writes. Raises StorageError where there is no file, or sqlite3.Error."""
    if not location.path.exists():
        raise StorageError(f"{location.path}: no database there yet; `start` makes one")
    connection = _connect(location.uri(mode="ro"))
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # A folder that can't be written holds no place for the shared index of a WAL: then nobody writes there.
        connection = _connect(location.uri(mode="ro", immutable="1"))
    return connection


def in_transaction[Result](connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """Run `work` in a transaction of its own, whole or not at all. Raises sqlite3.Error, and what `work` raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:  # SQLite itself rolls back on some errors, such as a full disk
            connection.execute("ROLLBACK")
    return result
