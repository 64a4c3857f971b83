"""PostgreSQL's errors in the words of the port: refused for good, or worth trying again later."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import orjson
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from midwatch_core import MidwatchError, StorageError, StorageUnavailableError

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that pass, or that someone mends.
_PASSING = {
    "08": "the connection broke",
    "40": "others were in the way",
    "53": "the server is short of something",
    "57": "the server is starting, stopping, or was told to",
    "58": "the server can't read or write",
    "XX": "the server is damaged: restore a copy",
    "57014": "it took the server too long",
    "25006": "the server only reads, for now",
    "25P03": "the server ended a transaction that did nothing",
    "55P03": "another process holds it locked",
}
_LASTING = {
    "28000": "the server lets this user in nowhere, or not from here",
    "28P01": "wrong user or password",
    "3D000": "there is no such database",
    "42501": "the user lacks a permission",
    "22": "a value can't be kept",
}


def storage_error(error: BaseException, name: str) -> StorageError:
    """The error of the port for one of PostgreSQL's, or of the way to it. Its line has no value that was to be kept."""
    code = getattr(error, "sqlstate", None) or ""
    for words, kind in ((_PASSING, StorageUnavailableError), (_LASTING, StorageError)):
        meaning = words.get(code) or words.get(code[:2])
        if meaning is not None:
            detail = "" if code.startswith("22") else f" ({_one_line(error)})"
            return kind(f"{name}: {meaning}{detail}")
    if isinstance(error, TimeoutError):
        return StorageUnavailableError(f"{name}: no answer in time")
    if isinstance(error, ssl.SSLError | asyncpg.ClientConfigurationError):
        return StorageError(f"{name}: {_one_line(error)}")
    # asyncpg's own confusion, where a connection dies while it is used, is of InternalClientError.
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return StorageUnavailableError(f"{name}: the server can't be reached ({_one_line(error)})")
    return StorageError(f"{name}: {_one_line(error) or type(error).__name__}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _foreign(error: SQLAlchemyError) -> BaseException:
    """The driver's own error within SQLAlchemy's, whose text would tell all the values of a statement."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Lets nothing but the port's errors out: of PostgreSQL, of the network, of values it can't hold."""
    try:
        yield
    except StorageError:
        raise
    except PoolTimeoutError as error:
        raise StorageUnavailableError(f"{name}: all connections are in use") from error
    except SQLAlchemyError as error:
        raise storage_error(_foreign(error), name) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise storage_error(error, name) from error
    except (ValueError, TypeError, OverflowError, MidwatchError, orjson.JSONEncodeError) as error:
        raise StorageError(f"{name}: can't be kept or read: {type(error).__name__}: {_one_line(error)}") from error
