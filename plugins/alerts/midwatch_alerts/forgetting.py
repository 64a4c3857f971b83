"""Forgetting a tenant: what waits for it, what channels were told of it, and messages that name it go for good."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import orjson

from midwatch_alerts.documents import message_document, message_of
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_alerts.plain import plain_tenant

# Of a document that can't be read nobody knows whose it is: it goes too.
_NAMES_IT = (
    "CASE WHEN json_valid(CAST(document AS TEXT)) THEN EXISTS (SELECT 1 FROM"
    " json_each(CAST(document AS TEXT), '$.incidents') WHERE json_extract(value, '$.tenant') = ?) ELSE true END"
)
# What still waits is told yet, where the tenant goes on.
_OLD_ONES = "state IN ('sent', 'dead') AND made_at < ?"


async def forget_tenant(file: OutboxFile, tenant: str, before: datetime | None) -> None:
    """Forget all of a tenant; with `before`, only messages of that time that are done with. Raises StorageError.

    Nothing of it is left in the file's free space either.
    """
    await file.run(lambda connection: _forget(connection, plain_tenant(tenant), before))
    await file.write_anew()


async def forget_at_home(home: Path, tenant: str, before: datetime | None) -> None:
    """The same in a home whose outbox is not open; where there is none there is nothing to do. Raises StorageError."""
    file = OutboxFile(home, goes_on=False)
    if not file.exists:
        return
    try:
        await file.open()
        await forget_tenant(file, tenant, before)
    finally:
        await file.close()


def _forget(connection: sqlite3.Connection, tenant: str, before: datetime | None) -> None:
    if before is None:
        connection.execute("DELETE FROM entry WHERE json_extract(key, '$[2]') = ?", (tenant,))
        connection.execute("DELETE FROM told WHERE json_extract(key, '$[1]') = ?", (tenant,))
    for seq, document, incidents in connection.execute(*_query(tenant, before)).fetchall():
        _forget_in(connection, tenant, seq, document, incidents)


def _query(tenant: str, before: datetime | None) -> tuple[str, Sequence[object]]:
    query = f"SELECT seq, document, incidents FROM message WHERE {_NAMES_IT}"  # noqa: S608  # written above
    if before is None:
        return query, (tenant,)
    return f"{query} AND {_OLD_ONES}", (tenant, before.timestamp())


def _forget_in(connection: sqlite3.Connection, tenant: str, seq: int, document: bytes, incidents: str) -> None:
    """A message goes; of a digest that tells of others as well, what it says of this one."""
    message = message_of(document)
    others = [] if message is None else [told for told in message.incidents if told.tenant != tenant]
    if message is None or not others:
        connection.execute("DELETE FROM message WHERE seq = ?", (seq,))
        return
    gone = {told.incident_id for told in message.incidents if told.tenant == tenant}
    about = orjson.dumps([one for one in orjson.loads(incidents) if one not in gone]).decode()
    rest = message_document(replace(message, incidents=others))
    connection.execute("UPDATE message SET document = ?, incidents = ? WHERE seq = ?", (rest, about, seq))
