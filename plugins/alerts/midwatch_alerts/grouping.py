"""Grouping: changes of incidents in, what is to be told when out. Pure: times are seconds since the epoch, and given.

What begins within `group_s` goes out together, info and low in a digest; a channel is not told of the same trouble
anew within `cooldown_s` unless it is worse; ends go only to channels that were told of the beginning.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from midwatch_alerts.entry import Entry, Group, Stage, Trouble
from midwatch_alerts.message import MessageKind
from midwatch_alerts.routing import Step
from midwatch_alerts.told import ToldBook, ToldOf
from midwatch_alerts.waiting import Waiting
from midwatch_core import Incident, IncidentChange, IncidentState, Severity

_MILD = Severity.LOW.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long is waited. `keyed` are the channels whose services group by themselves: each incident goes alone."""

    group_s: float
    digest_s: float
    channels: tuple[str, ...]
    keyed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What goes into one message: entries, the gravest first; `left_out` more could not be kept."""

    group: Group
    entries: Sequence[Entry]
    left_out: int = 0


class Grouping:
    """The state machine: `take` changes, ask what is `due`, and say what was `told` of it."""

    def __init__(self, rules: Rules, waiting: Waiting, book: ToldBook) -> None:
        self._rules = rules
        self._waiting = waiting
        self._book = book
        self._urgent_at: dict[Group, float] = {}

    def follow(self, rules: Rules) -> None:
        """From now on go by these rules; what waits keeps its time."""
        self._rules = rules
        self._waiting.keep_only(rules.channels)

    def take(self, incident: Incident, change: IncidentChange, steps: Iterable[Step], now_s: float) -> None:
        """A change of an incident, and where it goes."""
        if change is IncidentChange.ACKNOWLEDGED:
            self._acknowledged(incident, now_s)
        elif change is IncidentChange.RESOLVED:
            self._resolved(incident, now_s)
        else:
            for step in steps:
                self._open(incident, step, now_s)

    def due(self, now_s: float) -> Iterator[Batch]:
        """What is to be told now; it waits no more."""
        self._urgent_at = {group: at_s for group, at_s in self._urgent_at.items() if now_s - at_s < self._rules.group_s}
        for group, entries in self._waiting.take_due(now_s).items():
            if group.urgent:
                self._urgent_at[group] = now_s
            yield from self._batches(group, entries)

    def told(self, entries: Iterable[Entry], message_id: str, now_s: float) -> list[tuple[Trouble, ToldOf]]:
        """Entries were put into a message: remember it, and escalate later; how what was told stands now."""
        rows = {entry.trouble: self._tell(entry, message_id, now_s) for entry in entries}
        return [(trouble, told) for trouble, told in rows.items() if told is not None]

    def _open(self, incident: Incident, step: Step, now_s: float) -> None:
        trouble = Trouble.of(step.channel, incident)
        known = self._book.knows(trouble, incident)
        told = self._book.of(trouble)
        if known and told is not None and told.severity.rank >= incident.severity.rank:
            return  # after a restart what began not long ago is told again
        kind = MessageKind.WORSE if known else MessageKind.BEGAN
        entry = self._entry(kind, incident, step.channel, now_s)
        quiet_s = self._book.quiet_until(trouble, incident.severity)
        if quiet_s > entry.due_s:
            entry = replace(entry, due_s=quiet_s, held=True)
        before = self._waiting.get(entry.key)
        if before is not None and before.incident.id == incident.id and before.group == entry.group:
            entry = replace(entry, due_s=min(entry.due_s, before.due_s))
        self._hasten_end(trouble, entry.due_s)
        self._waiting.put(replace(entry, escalate_to=step.escalate_to, after_s=step.after_s))

    def _hasten_end(self, trouble: Trouble, due_s: float) -> None:
        """An incident's end is told before the trouble begins anew: a service would take it for the end of that."""
        closing = self._waiting.get((Stage.CLOSING, trouble))
        if closing is not None and closing.due_s > due_s:
            self._waiting.put(replace(closing, due_s=due_s))

    def _acknowledged(self, incident: Incident, now_s: float) -> None:
        for channel in self._rules.channels:
            trouble = Trouble.of(channel, incident)
            self._waiting.remove((Stage.ESCALATION, trouble))
            if (opening := self._opening(trouble, incident)) is not None:
                self._waiting.put(replace(opening, incident=incident))
            if self._book.knows(trouble, incident):
                self._waiting.put(self._entry(MessageKind.ACKNOWLEDGED, incident, channel, now_s))

    def _resolved(self, incident: Incident, now_s: float) -> None:
        for channel in self._rules.channels:
            trouble = Trouble.of(channel, incident)
            self._waiting.remove((Stage.ESCALATION, trouble))
            opening = self._opening(trouble, incident)
            if opening is not None and opening.group.kind is MessageKind.DIGEST and not opening.held:
                self._waiting.put(replace(opening, incident=incident))
                continue
            if opening is not None:
                self._waiting.remove(opening.key)
            if self._book.knows(trouble, incident):
                self._waiting.put(self._entry(MessageKind.RESOLVED, incident, channel, now_s))

    def _opening(self, trouble: Trouble, incident: Incident) -> Entry | None:
        entry = self._waiting.get((Stage.OPENING, trouble))
        return entry if entry is not None and entry.incident.id == incident.id else None

    def _entry(self, kind: MessageKind, incident: Incident, channel: str, now_s: float) -> Entry:
        group = self._group(kind, incident, channel)
        due_s = now_s + self._wait_s(group)
        if group.urgent:  # the first at once, and what follows in a storm together
            due_s = max(now_s, self._urgent_at.get(group, 0.0) + self._rules.group_s)
        gathered_s = self._waiting.due_of(group)
        if gathered_s is not None:
            due_s = min(due_s, gathered_s)
        return Entry(kind=kind, incident=incident, group=group, due_s=due_s)

    def _group(self, kind: MessageKind, incident: Incident, channel: str) -> Group:
        mild = incident.severity.rank <= _MILD and self._rules.digest_s > 0 and channel not in self._rules.keyed
        if mild and kind is not MessageKind.ESCALATION:
            return Group(channel=channel, kind=MessageKind.DIGEST)
        opens = kind in (MessageKind.BEGAN, MessageKind.WORSE)
        return Group(
            channel=channel,
            kind=kind,
            category=incident.category,
            tenant=incident.tenant,
            urgent=opens and incident.severity is Severity.CRITICAL,
        )

    def _wait_s(self, group: Group) -> float:
        return self._rules.digest_s if group.kind is MessageKind.DIGEST else self._rules.group_s

    def _batches(self, group: Group, entries: Sequence[Entry]) -> Iterator[Batch]:
        graver = sorted(entries, key=_gravest)
        opens = any(entry.key[0] is Stage.OPENING for entry in graver)
        left_out = self._waiting.take_left_out(group.channel) if opens else 0
        if group.channel not in self._rules.keyed:
            yield Batch(group=group, entries=graver, left_out=left_out)
            return
        for number, entry in enumerate(graver):
            yield Batch(group=group, entries=[entry], left_out=0 if number else left_out)

    def _tell(self, entry: Entry, message_id: str, now_s: float) -> ToldOf | None:
        stage, trouble = entry.key
        if stage is Stage.CLOSING:
            if entry.kind is MessageKind.RESOLVED:
                return self._book.end(trouble, entry.incident)
            return self._book.of(trouble)
        told = ToldOf(
            incident_id=entry.incident.id,
            severity=entry.incident.severity,
            at_s=now_s,
            message_id=message_id,
            over=entry.incident.state is IncidentState.RESOLVED,
        )
        self._book.tell(trouble, told)
        self._escalate(entry, now_s)
        return told

    def _escalate(self, entry: Entry, now_s: float) -> None:
        """One step: whoever is told by it tells nobody else."""
        if entry.incident.state is not IncidentState.OPEN:
            return
        for channel in entry.escalate_to:
            group = self._group(MessageKind.ESCALATION, entry.incident, channel)
            due_s = now_s + entry.after_s
            later = Entry(kind=MessageKind.ESCALATION, incident=entry.incident, group=group, due_s=due_s, held=True)
            if self._waiting.get(later.key) is None:
                self._waiting.put(later)


def _gravest(entry: Entry) -> tuple[int, datetime, str]:
    incident = entry.incident
    return -incident.severity.rank, incident.began_at, incident.id
