"""Deliveries: the outbox as people see it, and dead letters that they send again. Used by faces and by commands."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from midwatch_alerts.documents import message_document
from midwatch_alerts.message import Message
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_core import Delivery, DeliveryState

_MOST = 1_000
_SELECT = "SELECT id, channel, state, title, incidents, made_at, attempts, sent_at, next_s, problem FROM message"
_STATES = {
    DeliveryState.WAITING: ("waiting", "trying"),
    DeliveryState.SENT: ("sent",),
    DeliveryState.DEAD: ("dead",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many messages of a channel are in each state, and when the last was sent."""

    waiting: int = 0
    sent: int = 0
    dead: int = 0
    last_sent_at: datetime | None = None


class Deliveries:
    """Everything raises StorageError."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file

    async def newest(
        self, *, channel: str | None = None, incident: str | None = None, state: DeliveryState | None = None, limit: int
    ) -> list[Delivery]:
        """The newest messages; None asks nothing."""
        where, values = _conditions(channel, incident, state)
        query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"
        values.append(max(1, min(limit, _MOST)))
        rows = await self._file.run(lambda connection: connection.execute(query, values).fetchall())
        return [_delivery(row) for row in rows]

    async def of(self, message_id: str) -> Delivery | None:
        """One message."""
        query = f"{_SELECT} WHERE id = ?"
        row = await self._file.run(lambda connection: connection.execute(query, (message_id,)).fetchone())
        return None if row is None else _delivery(row)

    async def counts(self) -> Mapping[str, Counts]:
        """What there is of each channel that has anything."""
        query = (
            "SELECT channel, sum(state IN ('waiting', 'trying')), sum(state = 'sent'), sum(state = 'dead'),"
            " max(sent_at) FROM message GROUP BY channel"
        )
        rows = await self._file.run(lambda connection: connection.execute(query).fetchall())
        return {
            channel: Counts(waiting=waiting, sent=sent, dead=dead, last_sent_at=None if at is None else _moment(at))
            for channel, waiting, sent, dead, at in rows
        }

    async def retry(self, message_id: str, now_s: float) -> bool:
        """Have a dead letter wait again, as if it were new; False where there is none of that id."""

        def write(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "UPDATE message SET state = 'waiting', attempts = 0, next_s = 0, since_s = ?, problem = ''"
                " WHERE id = ? AND state = 'dead'",
                (now_s, message_id),
            ).rowcount

        return await self._file.run(write) > 0

    async def note_test(self, channel: str, message: Message, problem: str | None, at: float) -> None:
        """Keep a test that was sent, or that was not because of a problem: it is not tried again by itself."""
        values = (
            message.id,
            channel,
            message.kind.value,
            message.key,
            "sent" if problem is None else "dead",
            message.title,
            message_document(message),
            message.made_at.timestamp(),
            message.made_at.timestamp(),
            at if problem is None else None,
            problem or "",
        )
        query = (
            "INSERT INTO message (id, channel, kind, key, state, title, incidents, document, made_at, since_s, sent_at,"
            " problem, attempts) VALUES (?, ?, ?, ?, ?, ?, '[]', ?, ?, ?, ?, ?, 1)"
        )
        await self._file.run(lambda connection: connection.execute(query, values).rowcount)


def _conditions(
    channel: str | None, incident: str | None, state: DeliveryState | None
) -> tuple[list[str], list[object]]:
    where, values = ["true"], list[object]()
    if channel is not None:
        where.append("channel = ?")
        values.append(channel)
    if incident is not None:
        where.append("EXISTS (SELECT 1 FROM json_each(incidents) WHERE value = ?)")
        values.append(incident)
    if state is not None:
        where.append(f"state IN ({', '.join('?' * len(_STATES[state]))})")
        values += _STATES[state]
    return where, values


def _delivery(row: Sequence[object]) -> Delivery:
    message_id, channel, state, title, incidents, made_at, attempts, sent_at, next_s, problem = row
    shown = next(name for name, states in _STATES.items() if state in states)
    return Delivery(
        id=str(message_id),
        channel=str(channel),
        state=shown,
        title=str(title),
        incidents=tuple(orjson.loads(str(incidents))),
        made_at=_moment(made_at),
        attempts=int(str(attempts)),
        sent_at=None if sent_at is None else _moment(sent_at),
        next_at=_moment(next_s) if shown is DeliveryState.WAITING and next_s else None,
        problem=str(problem),
    )


def _moment(seconds: object) -> datetime:
    return datetime.fromtimestamp(float(str(seconds)), UTC)
