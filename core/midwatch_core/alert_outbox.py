"""Where alerts go out: channels and deliveries, as faces show them. A plugin that sends has one (`alert_outbox`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class DeliveryState(StrEnum):
    """How a message stands: on its way, taken by its channel, or given up (it can be sent again by hand)."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One channel: its name and kind (`slack`, `email`, …), and how it does. `problem` is what it said last."""

    name: str
    kind: str
    waiting: int = 0
    dead: int = 0
    sent: int = 0
    last_sent_at: datetime | None = None
    problem: str = ""
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel: what it is about, and what became of it. `problem` is what its channel said last."""

    id: str
    channel: str
    state: DeliveryState
    title: str
    incidents: Sequence[str]
    made_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    next_at: datetime | None = None
    problem: str = ""


class AlertOutbox(Protocol):
    """The channels of an installation. Texts have no secrets: neither those of channels nor those of calls."""

    def channels(self) -> Sequence[ChannelRow]:
        """All channels, in the order of the settings."""
        ...

    async def deliveries(
        self, *, channel: str | None = None, incident: str | None = None, state: DeliveryState | None = None, limit: int
    ) -> Sequence[Delivery]:
        """The newest messages; None asks nothing."""
        ...

    async def delivery(self, delivery_id: str) -> Delivery | None:
        """One message; None where there is none of that id."""
        ...

    async def retry(self, delivery_id: str) -> bool:
        """Send a dead one again; False where there is none of that id."""
        ...

    async def test(self, channel: str) -> Delivery:
        """Send a message that says it is a test, now; how that went. Raises ValueError for an unknown channel."""
        ...
