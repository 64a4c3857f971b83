"""Making messages: entries that go out together become one, with what their incidents have come to by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

import orjson

from midwatch_alerts.entry import Entry
from midwatch_alerts.grouping import Batch
from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.plain import plain_incident
from midwatch_core import AlertDesk, Incident, Severity

# Incidents that a message tells one by one; further ones are counted.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """`console_url` is where links lead; there are none without it."""

    installation: str
    console_url: str | None
    desk: AlertDesk | None

    def standing(self) -> dict[str, Incident]:
        """All open incidents as they are now, by id."""
        return {} if self.desk is None else {incident.id: incident for incident in self.desk.open()}

    def message(self, batch: Batch, message_id: str, at: datetime, standing: Mapping[str, Incident]) -> Message:
        """The message. It has the id that is given, and is made at `at`."""
        incidents = [_renewed(entry, standing) for entry in batch.entries]
        named, channel = incidents[:MOST_NAMED], batch.group.channel
        more = len(incidents) - len(named) + batch.left_out
        alone = len(incidents) == 1 and not batch.left_out
        return Message(
            id=message_id,
            kind=batch.group.kind,
            key=trouble_key(self.installation, incidents[0]) if alone else f"midwatch-{message_id}",
            severity=incidents[0].severity,
            title=incidents[0].title if alone else _title_of_many(batch, len(incidents) + batch.left_out),
            incidents=tuple(self._told(incident, channel) for incident in named),
            made_at=at,
            installation=self.installation,
            more=more,
        )

    def _told(self, incident: Incident, channel: str) -> Told:
        page = f"{self.console_url}/alerts/{incident.id}" if self.console_url else ""
        return Told.of(incident, page=page, acknowledge=self._link(incident, channel))

    def _link(self, incident: Incident, channel: str) -> str:
        if not self.console_url or self.desk is None or incident.acknowledged_at or incident.resolved_at:
            return ""
        return f"{self.console_url}/alerts/acknowledge/{self.desk.signed(incident.id, channel)}"


def trouble_key(installation: str, incident: Incident) -> str:
    """The key of a trouble in a service that counts troubles itself: one installation's, and one tenant's."""
    names = orjson.dumps([installation, incident.tenant, incident.fingerprint])
    return f"midwatch-{sha256(names).hexdigest()[:40]}"


def message_for_test(installation: str, message_id: str, at: datetime) -> Message:
    """A message that says it is a test."""
    return Message(
        id=message_id,
        kind=MessageKind.TEST,
        key=f"midwatch-test-{message_id}",
        severity=Severity.INFO,
        title="This is a test: alerts arrive here",
        incidents=(),
        made_at=at,
        installation=installation,
    )


def _renewed(entry: Entry, standing: Mapping[str, Incident]) -> Incident:
    """How the incident of an entry is now; its severity stays that of the entry: getting worse is told by itself."""
    now = standing.get(entry.incident.id)
    if now is None or entry.incident.resolved_at is not None:
        return entry.incident
    return replace(plain_incident(now), severity=entry.incident.severity)


def _title_of_many(batch: Batch, count: int) -> str:
    entries: Sequence[Entry] = batch.entries
    if batch.group.kind is MessageKind.DIGEST:
        return f"{count} alerts that are not urgent"
    whose = f" of {batch.group.tenant}" if batch.group.tenant else ""
    return f"{count} alerts{whose} ({batch.group.category}), the gravest: {entries[0].incident.title}"
