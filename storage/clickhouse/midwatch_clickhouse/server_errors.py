"""The errors of ClickHouse and its driver in the words of the port: refused for good, or worth trying again later."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, Error, OperationalError

from midwatch_clickhouse.address import Address
from midwatch_core import MidwatchError, SchemaError, StorageError, StorageUnavailableError

# What is wrong with the place and not with what was to be kept (ClickHouse's src/Common/ErrorCodes.cpp).
_PLACE = {
    159: "it took too long",
    164: "the server or the user is read-only",
    202: "too many queries at once",
    209: "it took too long",
    210: "the network failed",
    225: "no ZooKeeper or Keeper",
    241: "out of memory",
    242: "the table is read-only (Keeper?)",
    243: "the disk is full",
    252: "too many parts: inserts come faster than they are merged",
    254: "no active replica",
    279: "no connection to a shard",
    285: "too few live replicas",
    286: "a write before waits for its quorum",
    319: "unknown whether the insert went through",
    341: "a deletion is not finished",
    394: "the query was cancelled",
    425: "the system failed",
    439: "no thread to run it",
    999: "Keeper failed",
}
_CREDENTIALS = {
    192: "unknown user",
    193: "wrong password",
    194: "a password is needed",
    497: "this user may not do that: grant SELECT, INSERT, ALTER, CREATE and DROP on the database",
    516: "wrong user or password",
}
_UNKNOWN_TABLE = 60
_UNKNOWN_DATABASE = 81
_LONGEST = 300


def storage_error(error: Exception, address: Address) -> StorageError:
    """The error of the port for one of the driver's or the network's. One line, without the password."""
    where, code = address.shown, getattr(error, "code", None)
    if code in _CREDENTIALS:
        return StorageError(f"{where}: {_CREDENTIALS[code]}")
    if code == _UNKNOWN_DATABASE:
        return StorageError(f"{where}: there is no such database: CREATE DATABASE it, or name another")
    if code == _UNKNOWN_TABLE:
        return SchemaError(f"{where}: no tables of Midwatch's there: run `midwatch migrate up` ({_one_line(error)})")
    if code in _PLACE:
        return StorageUnavailableError(f"{where}: {_PLACE[code]} ({_one_line(error)})")
    if isinstance(error, OSError) or (code is None and type(error) in (OperationalError, DatabaseError, Error)):
        # No answer of ClickHouse's own: the network, a proxy between, a server going down.
        return StorageUnavailableError(f"{where}: can't be reached ({_one_line(error)})")
    return StorageError(f"{where}: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Lets out the port's errors alone: of the driver, of values it can't hold, of bytes that make no exchange."""
    try:
        yield
    except StorageError:
        raise
    except (ClickHouseError, OSError) as error:  # TimeoutError is one
        raise storage_error(error, address) from error
    except (
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        ArithmeticError,
        RecursionError,
        MidwatchError,  # bytes that make no exchange
        orjson.JSONEncodeError,
    ) as error:
        problem = f"{type(error).__name__}: {_one_line(error)}"
        raise StorageError(f"{address.shown}: can't be kept or read: {problem}") from error
