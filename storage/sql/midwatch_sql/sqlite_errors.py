"""SQLite's errors in the words of the port: refused for good, or worth trying again later."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import zstandard

from midwatch_core import MidwatchError, StorageError, StorageUnavailableError

# What is wrong with the place and not with what was to be kept: someone can mend it, and the journal waits.
_PLACE = {
    sqlite3.SQLITE_BUSY: "another process holds it locked",
    sqlite3.SQLITE_LOCKED: "another connection holds it locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk can't be read or written",
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened",
    sqlite3.SQLITE_READONLY: "the file is not writable",
    sqlite3.SQLITE_PERM: "the file is not writable",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a copy, or move it away to begin anew",
    sqlite3.SQLITE_NOMEM: "out of memory",
}
_NOT_OURS = "the file is no SQLite database: move it away, or name another"


def storage_error(error: Exception, path: Path) -> StorageError:
    """The error of the port for one of SQLite's, or of what is read from it."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_NOTADB:
        return StorageError(f"{path}: {_NOT_OURS}")
    if primary in _PLACE:
        return StorageUnavailableError(f"{path}: {_PLACE[primary]} ({_one_line(error)})")
    return StorageError(f"{path}: {_one_line(error) or type(error).__name__}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Lets nothing but the port's errors out: of SQLite, of values it can't hold, of bytes that make no exchange."""
    try:
        yield
    except StorageError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, path) from error
    except (
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        ArithmeticError,
        RecursionError,
        MidwatchError,  # bytes that make no exchange
        orjson.JSONEncodeError,
        zstandard.ZstdError,
    ) as error:
        raise StorageError(f"{path}: can't be kept or read: {type(error).__name__}: {_one_line(error)}") from error
