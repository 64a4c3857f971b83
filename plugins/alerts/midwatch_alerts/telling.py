"""Telling: changes of incidents become messages in the outbox. All that is waited for is written down first."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from midwatch_alerts.entry import Entry, EntryKey, Trouble
from midwatch_alerts.grouping import Batch, Grouping, Rules
from midwatch_alerts.leases import Leases
from midwatch_alerts.making import Maker
from midwatch_alerts.message import Message
from midwatch_alerts.outbox import Kept, Outbox, Outgoing
from midwatch_alerts.plain import plain_incident, plain_tenant
from midwatch_alerts.routing import steps_of
from midwatch_alerts.settings import Settings
from midwatch_alerts.steady import SteadyTime
from midwatch_alerts.told import ToldBook, ToldOf
from midwatch_alerts.waiting import Waiting
from midwatch_core import AlertDesk, Incident, IncidentChange, StorageError, uuid7


class Telling:
    """Begins with what an outbox has kept. Everything awaited raises StorageError."""

    def __init__(
        self,
        settings: Settings,
        kept: Kept,
        *,
        outbox: Outbox,
        leases: Leases,
        time: SteadyTime,
        desk: AlertDesk | None,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._leases = leases
        self._time = time
        self._desk = desk
        self._waiting = Waiting(_within_reach(settings, kept, time.now_s()), kept.left_out)
        self._book = ToldBook(kept.told, cooldown_s=settings.cooldown_s)
        self._grouping = Grouping(_rules(settings), self._waiting, self._book)
        self._grouping.follow(_rules(settings))
        self._lock = asyncio.Lock()

    def follow(self, settings: Settings) -> None:
        """From now on go by these settings."""
        self._settings = settings
        self._book.follow(cooldown_s=settings.cooldown_s)
        self._grouping.follow(_rules(settings))

    def unsay(self, message_id: str) -> None:
        """A message never reached its channel."""
        self._book.unsay(message_id)

    async def take(self, incident: Incident, change: IncidentChange) -> None:
        """A change of an incident: it is written down when this returns."""
        incident = plain_incident(incident)
        async with self._lock:
            steps = steps_of(self._settings, incident)
            self._grouping.take(incident, change, steps, self._time.now_s())
            await self._outbox.keep(self._waiting.edits())

    async def flush(self) -> set[str]:
        """Make messages of what is due; the channels that have some now."""
        async with self._lock:
            now_s = self._time.now_s()
            batches = list(self._grouping.due(now_s))
            if not batches:
                return set()
            made = self._made(batches, await self._ours(batches))
            told = self._remember(made, now_s)
            going = [_outgoing(batch, message) for batch, message in made]
            try:
                await self._outbox.put(going, self._waiting.edits(), told, now_s)
            except StorageError:
                self._take_back(made)
                raise
            return {one.channel for one in going}

    async def tend(self) -> None:
        """Forget what is old; give up what waits for channels that are none any more."""
        async with self._lock:
            await self._outbox.keep(self._waiting.edits())
            names = [channel.name for channel in self._settings.channels]
            for message_id in await self._outbox.tend(names, self._time.now_s()):
                self._book.unsay(message_id)
            await self._outbox.forget_told(self._book.forget(self._time.now_s()))

    async def forget(self, tenant: str, before: datetime | None) -> None:
        """Nothing of a tenant waits or was told any more; with `before` it goes on, and old messages alone go."""
        async with self._lock:
            if before is None:
                name = plain_tenant(tenant)
                self._waiting.forget(name)
                self._book.forget_tenant(name)
                await self._outbox.keep(self._waiting.edits())
            await self._outbox.forget_tenant(tenant, before)

    async def _ours(self, batches: Sequence[Batch]) -> set[EntryKey]:
        """What this node tells; the rest another one does."""
        entries = [entry for batch in batches for entry in batch.entries]
        ours = await self._leases.ours(entries, cooldown_s=self._settings.cooldown_s)
        return {entry.key for entry in ours}

    def _made(self, batches: Sequence[Batch], ours: Collection[EntryKey]) -> list[tuple[Batch, Message]]:
        maker = Maker(installation=self._settings.installation, console_url=self._settings.console_url, desk=self._desk)
        at, standing = self._time.clock.now(), maker.standing()
        own = [replace(batch, entries=[entry for entry in batch.entries if entry.key in ours]) for batch in batches]
        return [(batch, maker.message(batch, uuid7(at.timestamp()), at, standing)) for batch in own if batch.entries]

    def _take_back(self, made: Sequence[tuple[Batch, Message]]) -> None:
        """They could not be written down: they wait again."""
        for batch, message in made:
            self._book.unsay(message.id)
            for entry in batch.entries:
                self._waiting.put(entry)

    def _remember(self, made: list[tuple[Batch, Message]], now_s: float) -> list[tuple[Trouble, ToldOf]]:
        return [row for batch, message in made for row in self._grouping.told(batch.entries, message.id, now_s)]


def _outgoing(batch: Batch, message: Message) -> Outgoing:
    about = list(dict.fromkeys(entry.incident.id for entry in batch.entries))
    return Outgoing(channel=batch.group.channel, message=message, incidents=about)


def _rules(settings: Settings) -> Rules:
    return Rules(
        group_s=settings.group_s,
        digest_s=settings.digest_s,
        channels=tuple(channel.name for channel in settings.channels),
        keyed=frozenset(channel.name for channel in settings.channels if channel.keyed),
    )


def _within_reach(settings: Settings, kept: Kept, now_s: float) -> list[Entry]:
    """Entries that were kept; none is due later than one that begins now could be, whatever the clock said then."""
    longest_s = max(settings.group_s, settings.digest_s, settings.cooldown_s)
    return [
        replace(entry, due_s=min(entry.due_s, now_s + max(longest_s, _escalates_after_s(settings))))
        for entry in kept.entries
    ]


def _escalates_after_s(settings: Settings) -> float:
    return max((route.after_s for route in settings.routes), default=0.0)
