import ssl

import asyncpg
import pytest

from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_sql.postgres_errors import storage_error

NAME = "postgresql://db/midwatch"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), "starting"),
        (asyncpg.AdminShutdownError("terminating connection"), "stopping"),
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), "too long"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), "short of something"),
        (asyncpg.DiskFullError("could not extend file"), "short of something"),
        (asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), "holds it locked"),
        (asyncpg.DeadlockDetectedError("deadlock detected"), "others were in the way"),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"), "only reads, for now"),
        (asyncpg.ConnectionDoesNotExistError("connection was closed"), "connection broke"),
        (asyncpg.InterfaceError("connection is closed"), "can't be reached"),
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), "can't be"),
        (asyncpg.DataCorruptedError("invalid page in block 0"), "damaged"),
        (ConnectionRefusedError(111, "Connect call failed"), "can't be reached"),
        (TimeoutError(), "no answer in time"),
    ],
)
def test_what_passes_is_worth_another_try(error: Exception, meaning: str) -> None:
    translated = storage_error(error, NAME)
    assert isinstance(translated, StorageUnavailableError)
    assert str(translated).startswith(f"{NAME}: ")
    assert meaning in str(translated)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed"), "wrong user or password"),
        (asyncpg.InvalidAuthorizationSpecificationError("no pg_hba.conf entry"), "lets this user in nowhere"),
        (asyncpg.InvalidCatalogNameError('database "x" does not exist'), "no such database"),
        (asyncpg.InsufficientPrivilegeError("permission denied"), "lacks a permission"),
        (asyncpg.UniqueViolationError("duplicate key\nDETAIL: more"), "duplicate key DETAIL: more"),
        (asyncpg.ClientConfigurationError("root certificate file does not exist"), "root certificate"),
        (ssl.SSLCertVerificationError("certificate verify failed"), "certificate verify failed"),
    ],
)
def test_what_stays_is_an_error_for_good(error: Exception, meaning: str) -> None:
    translated = storage_error(error, NAME)
    assert not isinstance(translated, StorageUnavailableError)
    assert isinstance(translated, StorageError)
    assert meaning in str(translated)
    assert "\n" not in str(translated)


def test_a_value_that_can_not_be_kept_is_not_shown() -> None:
    error = asyncpg.DataError("invalid input for query argument $1: 'a secret'")
    assert str(storage_error(error, NAME)) == f"{NAME}: a value can't be kept"
