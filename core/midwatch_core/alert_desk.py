"""The desk of alerts: raising them, listing the incidents they become, taking these on; `Host.alerts`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.alert_outbox import AlertOutbox, Delivery
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.model.alert import Alert
from midwatch_core.model.incident import Incident
from midwatch_core.ports import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """What a signed link may do: take on one incident, in the name of whoever got it from this channel."""

    incident_id: str
    channel: str


class LinkFault(StrEnum):
    """Why a token opens nothing. `FOREIGN` has the form of one, and was not signed with this home's `hash.key`."""

    MALFORMED = "malformed"
    FOREIGN = "foreign"
    OLD = "old"


class AlertDesk(Protocol):
    """Callers see and take on what is in their scope. In a face alone nothing is raised, and `outbox` is None."""

    @property
    def outbox(self) -> AlertOutbox | None:
        """Where alerts go out; None where no plugin sends any, or not from this process."""
        ...

    def raise_alert(self, alert: Alert) -> None:
        """Take an alert, or its end, at once; at most a thousand incidents are open at a time."""
        ...

    def open(self) -> tuple[Incident, ...]:
        """The incidents that are not over, as this process knows them, the oldest first; a face alone looks into the
        store for them every few seconds.
        """
        ...

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """Incidents in scope, open and past. Raises StorageError."""
        ...

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident, None where there is none in scope. Raises StorageError."""
        ...

    async def acknowledge(self, caller: Caller, incident_id: str) -> Incident | None:
        """Take one on, on record; how it stands now, None where there is none in scope. One that is over, or taken on
        already, stays as it is. Raises AccessDeniedError, StorageError.
        """
        ...

    async def acknowledge_by(self, link: SignedLink) -> Incident | None:
        """The same for whoever followed a signed link. Raises StorageError."""
        ...

    def signed(self, incident_id: str, channel: str) -> str:
        """A token for a link by which one incident can be taken on for a week, without a key. It is safe in a URL."""
        ...

    def link_of(self, token: str) -> SignedLink | LinkFault:
        """What a token may do, or why it may do nothing."""
        ...

    async def test_channel(self, caller: Caller, channel: str) -> Delivery | None:
        """Send a message that says it is a test, on record; how that went, None where there is no such channel.

        Channels are the whole installation's. Raises AccessDeniedError, StorageError.
        """
        ...

    async def retry(self, caller: Caller, delivery_id: str) -> bool:
        """Have a dead letter sent again, on record; False where there is none of that id. Raises as `test_channel`."""
        ...
