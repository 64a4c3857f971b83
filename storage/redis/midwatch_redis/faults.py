"""The driver's errors as ours: what may pass, and what will not."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions

from midwatch_core import StorageError, StorageUnavailableError
from midwatch_redis.address import Address

_LOGIN = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
)
# States of a server that pass: it loads, follows, is full, fails over, runs another's script, can't write its file.
# The driver has classes for some, and cuts their first word off; of a script's error it knows only the text.
_PASSING_WORDS = frozenset(
    {"READONLY", "OOM", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "BUSY", "MISCONF", "NOREPLICAS"}
)
_PASSING = (
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.MasterDownError,
    exceptions.TryAgainError,
)
_CLUSTERED = (exceptions.MovedError, exceptions.AskError, exceptions.ClusterCrossSlotError)


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Errors of the driver inside become StorageUnavailableError or StorageError, without user or password."""
    try:
        yield
    except _LOGIN as error:
        raise StorageError(f"{address}: the server refuses the user or the password of the URL") from error
    except exceptions.NoPermissionError as error:
        raise StorageError(f"{address}: the user of the URL may not do this: {_said(error)}") from error
    except (exceptions.TimeoutError, TimeoutError) as error:
        raise StorageUnavailableError(f"{address}: no answer in time") from error
    except (exceptions.ConnectionError, OSError) as error:
        raise StorageUnavailableError(f"{address}: can't be reached: {_said(error)}") from error
    except exceptions.RedisError as error:
        raise _of(address, error) from error


def _of(address: Address, error: exceptions.RedisError) -> StorageError:
    said = _said(error)
    words = set(said.replace(":", " ").split()[:3])  # a script's error has its own word first
    if isinstance(error, _PASSING) or words & _PASSING_WORDS:
        return StorageUnavailableError(f"{address}: not for now: {said}")
    if isinstance(error, _CLUSTERED):
        return StorageError(f"{address}: the keys of one call are on several nodes of a cluster: {said}")
    return StorageError(f"{address}: {said}")


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
