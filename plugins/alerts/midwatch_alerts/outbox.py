"""The outbox: what waits to be told, what was told, and messages until their channels have taken them.

All outlives the process. A message is marked before it is sent and after: one that was being sent as the process died
is sent again, and says so.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from midwatch_alerts.documents import entry_document, entry_of, message_document, message_of
from midwatch_alerts.entry import Entry, EntryKey, Trouble
from midwatch_alerts.forgetting import forget_tenant
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_alerts.told import MOST_TOLD, ToldOf
from midwatch_alerts.waiting import Edits
from midwatch_alerts.wording.masking import mask
from midwatch_core import Severity

# Of a channel that is dead; beyond, the oldest are given up, of what is critical last.
MOST_WAITING = 10_000
# Messages that are sent or given up, of all channels together.
MOST_DONE = 20_000
KEPT_S = 30 * 86_400.0
# Incidents by which a message is found.
_MOST_ABOUT = 100
# Critical ones of these kinds go before all that waits.
_ASKING = frozenset({MessageKind.BEGAN, MessageKind.WORSE, MessageKind.ESCALATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an outbox had when it was opened."""

    node: str
    entries: Sequence[Entry] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    told: Sequence[tuple[Trouble, ToldOf]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that is being sent now, how often it was tried before, and for how long it waits."""

    message: Message
    attempts: int
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a channel, and the incidents that it is about."""

    channel: str
    message: Message
    incidents: Sequence[str]


class Outbox:
    """Times ending in `_s` are the steady ones of this plugin, `_at` the clock's. Everything raises StorageError."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file

    async def begin(self, now_s: float) -> Kept:
        """What was kept. What was being sent when the process died waits again, for it is not known what became of it.

        After a clock that was wrong no time lies further ahead than is ever waited.
        """
        return await self._file.run(lambda connection: _begin(connection, now_s))

    async def keep(self, edits: Edits) -> None:
        """Write down what became of entries."""
        if edits:
            await self._file.run(lambda connection: _write_edits(connection, edits))

    async def put(
        self, going: Sequence[Outgoing], edits: Edits, told: Iterable[tuple[Trouble, ToldOf]], now_s: float
    ) -> None:
        """Have messages wait for their channels, and write down what is told by them, all at once."""

        def write(connection: sqlite3.Connection) -> None:
            _write_edits(connection, edits)
            connection.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?)", map(_told_row, told))
            for one in going:
                _insert(connection, one, now_s)

        await self._file.run(write)

    async def claim(self, channel: str, now_s: float) -> Claimed | float | None:
        """The next message for a channel, marked as being sent; else when there is one (`_s`), or None for no time.

        What is critical goes first. Messages of one key go in their order: an end does not overtake its beginning.
        """
        return await self._file.run(lambda connection: _claim(connection, channel, now_s))

    async def sent(self, message_id: str, at: float) -> None:
        """Its channel has it."""
        await self._set(message_id, "state = 'sent', sent_at = ?, attempts = attempts + 1, problem = ''", at)

    async def again(self, message_id: str, problem: str, *, next_s: float, unsure: bool, counts: bool) -> None:
        """It waits for its next try. `unsure`: it may have been taken. `counts`: it was a try, not a word to wait."""
        what = "state = 'waiting', problem = ?, next_s = ?, unsure = max(unsure, ?), attempts = attempts + ?"
        await self._set(message_id, what, problem, next_s, unsure, counts)

    async def give_up(self, message_id: str, problem: str) -> None:
        """It is a dead letter: what it had counts as not told."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE message SET state = 'dead', problem = ?, attempts = attempts + 1 WHERE id = ?",
                (problem, message_id),
            )
            connection.execute("DELETE FROM told WHERE message_id = ?", (message_id,))

        await self._file.run(write)

    async def forget_told(self, troubles: Sequence[Trouble]) -> None:
        """What was told does not matter any more."""
        if troubles:
            keys = [(_told_key(trouble),) for trouble in troubles]
            await self._file.run(
                lambda connection: connection.executemany("DELETE FROM told WHERE key = ?", keys).rowcount
            )

    async def forget_tenant(self, tenant: str, before: datetime | None) -> None:
        """A tenant is forgotten (see `forgetting`)."""
        await forget_tenant(self._file, tenant, before)

    async def tend(self, channels: Sequence[str], now_s: float) -> list[str]:
        """Drop what is old or too much, give up what waits for no channel; the ids of those given up."""
        await self._file.go_back()
        return await self._file.run(lambda connection: _tend(connection, channels, now_s))

    async def recent(self, channel: str, since: float) -> list[float]:
        """When messages were sent to a channel since then."""
        query = "SELECT sent_at FROM message WHERE channel = ? AND state = 'sent' AND sent_at > ? LIMIT 100000"
        rows = await self._file.run(lambda connection: connection.execute(query, (channel, since)).fetchall())
        return [at for (at,) in rows]

    async def _set(self, message_id: str, what: str, *values: object) -> None:
        query = f"UPDATE message SET {what} WHERE id = ?"  # noqa: S608  # `what` is written above
        await self._file.run(lambda connection: connection.execute(query, (*values, message_id)).rowcount)


def _begin(connection: sqlite3.Connection, now_s: float) -> Kept:
    connection.execute(
        "UPDATE message SET state = 'waiting', unsure = 1, next_s = 0, problem = 'stopped while it was sent'"
        " WHERE state = 'trying'"
    )
    connection.execute("UPDATE message SET next_s = 0 WHERE next_s > ?", (now_s + 3_600,))
    connection.execute("UPDATE message SET since_s = ? WHERE since_s > ?", (now_s, now_s))
    connection.execute("UPDATE told SET at_s = ? WHERE at_s > ?", (now_s, now_s))
    (node,) = connection.execute("SELECT id FROM node").fetchone()
    entries = [entry_of(document) for (document,) in connection.execute("SELECT document FROM entry")]
    told = connection.execute(
        "SELECT key, incident_id, severity, at_s, message_id, over FROM told ORDER BY at_s DESC LIMIT ?", (MOST_TOLD,)
    ).fetchall()
    return Kept(
        node=node,
        entries=[entry for entry in entries if entry is not None],
        left_out=dict(connection.execute("SELECT channel, count FROM left_out")),
        told=[_told_of(row) for row in reversed(told)],
    )


def _write_edits(connection: sqlite3.Connection, edits: Edits) -> None:
    connection.executemany("DELETE FROM entry WHERE key = ?", [(_entry_key(key),) for key in edits.gone])
    connection.executemany(
        "INSERT OR REPLACE INTO entry VALUES (?, ?)",
        [(_entry_key(key), entry_document(entry)) for key, entry in edits.put.items()],
    )
    connection.executemany("INSERT OR REPLACE INTO left_out VALUES (?, ?)", edits.left_out.items())


def _insert(connection: sqlite3.Connection, going: Outgoing, now_s: float) -> None:
    message = going.message
    connection.execute(
        "INSERT INTO message (id, channel, kind, key, state, title, incidents, document, made_at, since_s, urgent)"
        " VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?)",
        (
            message.id,
            going.channel,
            message.kind.value,
            message.key,
            mask(message.title),
            orjson.dumps(list(going.incidents[:_MOST_ABOUT])).decode(),
            message_document(message),
            message.made_at.timestamp(),
            now_s,
            message.severity is Severity.CRITICAL and message.kind in _ASKING,
        ),
    )


def _claim(connection: sqlite3.Connection, channel: str, now_s: float) -> Claimed | float | None:
    row = connection.execute(
        "SELECT id, document, attempts, since_s, unsure FROM message AS m"
        " WHERE channel = ? AND state = 'waiting' AND next_s <= ? AND NOT EXISTS (SELECT 1 FROM message AS before"
        " WHERE before.channel = m.channel AND before.key = m.key AND before.state = 'waiting' AND before.seq < m.seq)"
        " ORDER BY urgent DESC, seq LIMIT 1",
        (channel, now_s),
    ).fetchone()
    if row is None:
        query = "SELECT min(next_s) FROM message WHERE channel = ? AND state = 'waiting' AND next_s > ?"
        (next_s,) = connection.execute(query, (channel, now_s)).fetchone()
        return None if next_s is None else float(next_s)
    message_id, document, attempts, since_s, unsure = row
    message = message_of(document)
    if message is None:
        query = "UPDATE message SET state = 'dead', problem = 'it can not be read' WHERE id = ?"
        connection.execute(query, (message_id,))
        return now_s
    connection.execute("UPDATE message SET state = 'trying' WHERE id = ?", (message_id,))
    return Claimed(message=replace(message, again=bool(unsure)), attempts=attempts, since_s=since_s)


def _tend(connection: sqlite3.Connection, channels: Sequence[str], now_s: float) -> list[str]:
    connection.execute("DELETE FROM message WHERE state IN ('sent', 'dead') AND since_s < ?", (now_s - KEPT_S,))
    connection.execute(
        "DELETE FROM message WHERE seq IN (SELECT seq FROM message WHERE state IN ('sent', 'dead')"
        " ORDER BY state = 'dead' DESC, seq DESC LIMIT -1 OFFSET ?)",
        (MOST_DONE,),
    )
    marks = ", ".join("?" * len(channels))
    lost = _dead(connection, f"channel NOT IN ({marks})", channels, "there is no such channel any more")
    for channel in channels:
        too_many = (
            "seq IN (SELECT seq FROM message WHERE channel = ? AND state = 'waiting'"
            " ORDER BY urgent DESC, seq DESC LIMIT -1 OFFSET ?)"
        )
        lost += _dead(connection, too_many, (channel, MOST_WAITING), f"more than {MOST_WAITING:,} waited")
    return lost


def _dead(connection: sqlite3.Connection, where: str, values: Sequence[object], problem: str) -> list[str]:
    """Give up waiting messages; their ids."""
    query = f"UPDATE message SET state = 'dead', problem = ? WHERE state = 'waiting' AND {where} RETURNING id"  # noqa: S608  # `where` is written above
    lost = [message_id for (message_id,) in connection.execute(query, (problem, *values))]
    connection.executemany("DELETE FROM told WHERE message_id = ?", [(message_id,) for message_id in lost])
    return lost


def _entry_key(key: EntryKey) -> str:
    stage, trouble = key
    return orjson.dumps([stage, trouble.channel, trouble.tenant, trouble.fingerprint]).decode()


def _told_key(trouble: Trouble) -> str:
    return orjson.dumps([trouble.channel, trouble.tenant, trouble.fingerprint]).decode()


def _told_row(row: tuple[Trouble, ToldOf]) -> tuple[object, ...]:
    trouble, told = row
    return _told_key(trouble), told.incident_id, told.severity.value, told.at_s, told.message_id, told.over


def _told_of(row: Sequence[object]) -> tuple[Trouble, ToldOf]:
    key, incident_id, severity, at_s, message_id, over = row
    told = ToldOf(
        incident_id=str(incident_id),
        severity=Severity(str(severity)),
        at_s=float(str(at_s)),
        message_id=str(message_id),
        over=bool(over),
    )
    return Trouble(*orjson.loads(str(key))), told
