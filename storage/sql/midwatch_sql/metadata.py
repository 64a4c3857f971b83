"""The metadata repository over SQLite: settings and the audit log."""

import sqlite3
from collections.abc import Sequence

import orjson

from midwatch_core import AuditRecord, StorageError, microseconds, moment_of
from midwatch_sql.database import Database
from midwatch_sql.location import Location
from midwatch_sql.migrating import bring_up_to_date

_KEEP = "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_APPEND = "INSERT INTO audit (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)"
_NEWEST = "SELECT at, actor, action, subject, details FROM audit ORDER BY number DESC LIMIT ?"


class SqliteMetadata:
    """A MetadataRepository in one SQLite file, which it may share with SqliteTraces."""

    def __init__(self, location: Location) -> None:
        self.database = Database(location)

    async def start(self) -> None:
        """Open, and migrate unless the URL says mode=ro. Raises StorageError."""
        location = self.database.location
        await self.database.start(lambda connection: bring_up_to_date(connection, location, "metadata"))

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`. Raises StorageError."""
        return await self.database.read(lambda connection: _setting(connection, key))

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`. Raises StorageError."""
        await self.database.write(lambda connection: connection.execute(_KEEP, (key, value)))

    async def append_audit(self, record: AuditRecord) -> None:
        """Add to the audit log. Raises StorageError."""
        await self.database.write(lambda connection: _append(connection, record))

    async def audit(self, *, limit: int) -> Sequence[AuditRecord]:
        """The newest records, newest first. Raises StorageError."""
        if limit < 1:
            raise StorageError(f"a page of {limit} records: at least 1 is needed")
        return await self.database.read(lambda connection: _newest(connection, limit))

    async def close(self) -> None:
        """Let go of the file."""
        await self.database.close()


def _setting(connection: sqlite3.Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])


def _append(connection: sqlite3.Connection, record: AuditRecord) -> None:
    details = orjson.dumps(dict(record.details)).decode()
    connection.execute(_APPEND, (microseconds(record.at), record.actor, record.action, record.subject, details))


def _newest(connection: sqlite3.Connection, limit: int) -> list[AuditRecord]:
    return [
        AuditRecord(at=moment_of(at), actor=actor, action=action, subject=subject, details=orjson.loads(details))
        for at, actor, action, subject, details in connection.execute(_NEWEST, (limit,))
    ]
