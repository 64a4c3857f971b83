"""Entries that wait, by group and by key; bounded, and what there is no room for is counted."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from midwatch_alerts.entry import Entry, EntryKey, Group, Stage

# Openings that wait for one channel. Core has at most a thousand incidents open.
MOST_WAITING = 1_000


@dataclass(slots=True)
class Edits:
    """What became of entries: those to keep, those that are gone, and how many a channel has left out by now."""

    put: dict[EntryKey, Entry] = field(default_factory=dict)
    gone: set[EntryKey] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.put or self.gone or self.left_out)


class Waiting:
    """The entries, and the edits since they were last asked for."""

    def __init__(self, entries: Iterable[Entry] = (), left_out: Mapping[str, int] | None = None) -> None:
        self._entries: dict[EntryKey, Entry] = {}
        # When the group goes out that has such an entry; those that are held have times of their own.
        self._due: dict[Group, float] = {}
        # How many openings wait for a channel, by the rank of their severity.
        self._openings: dict[str, Counter[int]] = {}
        self._left_out = dict(left_out or {})
        for entry in entries:
            self._keep(entry)
        self._edits = Edits()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: EntryKey) -> Entry | None:
        """The entry of that key."""
        return self._entries.get(key)

    def due_of(self, group: Group) -> float | None:
        """When a group goes out that is being gathered."""
        return self._due.get(group)

    def put(self, entry: Entry) -> None:
        """Have an entry wait, in place of the one of its key. Where there is no room the mildest is counted instead."""
        if entry.key not in self._entries and not self._has_room(entry):
            self._leave_out(entry.group.channel)
            return
        self._drop(entry.key)
        self._keep(entry)
        self._edits.gone.discard(entry.key)
        self._edits.put[entry.key] = entry

    def remove(self, key: EntryKey) -> Entry | None:
        """Have an entry wait no more; which one that was."""
        entry = self._drop(key)
        if entry is not None:
            self._edits.put.pop(key, None)
            self._edits.gone.add(key)
        return entry

    def take_due(self, now_s: float) -> dict[Group, list[Entry]]:
        """The entries whose time has come, by group; they wait no more."""
        due: dict[Group, list[Entry]] = {}
        for entry in [entry for entry in self._entries.values() if entry.due_s <= now_s]:
            self.remove(entry.key)
            due.setdefault(entry.group, []).append(entry)
        for group in [group for group, due_s in self._due.items() if due_s <= now_s]:
            del self._due[group]
        return due

    def take_left_out(self, channel: str) -> int:
        """How many were left out of a channel's messages so far; they are told now."""
        count = self._left_out.pop(channel, 0)
        if count:
            self._edits.left_out[channel] = 0
        return count

    def keep_only(self, channels: Collection[str]) -> None:
        """Entries for other channels are gone."""
        for key in [key for key in self._entries if key[1].channel not in channels]:
            self.remove(key)

    def forget(self, tenant: str) -> None:
        """Entries of a tenant are gone."""
        for key in [key for key in self._entries if key[1].tenant == tenant]:
            self.remove(key)

    def edits(self) -> Edits:
        """What has changed since this was last asked."""
        edits, self._edits = self._edits, Edits()
        return edits

    def _has_room(self, entry: Entry) -> bool:
        channel, rank = entry.group.channel, entry.incident.severity.rank
        waiting = self._openings.get(channel, Counter())
        if entry.key[0] is not Stage.OPENING or waiting.total() < MOST_WAITING:
            return True
        mildest = min(kept for kept, count in waiting.items() if count)
        if mildest >= rank:
            return False
        self.remove(next(self._openings_of(channel, mildest)))
        self._leave_out(channel)
        return True

    def _openings_of(self, channel: str, rank: int) -> Iterator[EntryKey]:
        for (stage, trouble), entry in self._entries.items():
            if stage is Stage.OPENING and trouble.channel == channel and entry.incident.severity.rank == rank:
                yield stage, trouble

    def _leave_out(self, channel: str) -> None:
        self._left_out[channel] = self._left_out.get(channel, 0) + 1
        self._edits.left_out[channel] = self._left_out[channel]

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        if entry.key[0] is Stage.OPENING:
            self._openings.setdefault(entry.group.channel, Counter())[entry.incident.severity.rank] += 1
        if not entry.held:
            self._due[entry.group] = min(entry.due_s, self._due.get(entry.group, entry.due_s))

    def _drop(self, key: EntryKey) -> Entry | None:
        entry = self._entries.pop(key, None)
        if entry is not None and key[0] is Stage.OPENING:
            self._openings[entry.group.channel][entry.incident.severity.rank] -= 1
        return entry
