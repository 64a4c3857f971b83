"""The outbox as faces see it: channels, deliveries, retry and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from midwatch_alerts.deliveries import Counts
from midwatch_core import ChannelRow, Delivery, DeliveryState

if TYPE_CHECKING:  # what sends is loaded where there are channels
    from midwatch_alerts.room import AlertRoom


class OutboxFace:
    """An AlertOutbox. `room` gives the room, None while there are no channels."""

    def __init__(self, room: Callable[[], AlertRoom | None]) -> None:
        self._room = room

    def channels(self) -> Sequence[ChannelRow]:
        """All channels, in the order of the settings."""
        room = self._room()
        return () if room is None else channel_rows(room)

    async def deliveries(
        self, *, channel: str | None = None, incident: str | None = None, state: DeliveryState | None = None, limit: int
    ) -> Sequence[Delivery]:
        """The newest messages. Raises StorageError."""
        room = self._room()
        if room is None:
            return ()
        return await room.deliveries.newest(channel=channel, incident=incident, state=state, limit=limit)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        """One message. Raises StorageError."""
        room = self._room()
        return None if room is None else await room.deliveries.of(delivery_id)

    async def retry(self, delivery_id: str) -> bool:
        """Send a dead one again. Raises StorageError."""
        room = self._room()
        return room is not None and await room.retry(delivery_id)

    async def test(self, channel: str) -> Delivery:
        """Send a test now. Raises ValueError, StorageError."""
        room = self._room()
        if room is None:
            raise ValueError(f"there is no channel {channel!r}")
        return await room.test(channel)


def channel_rows(room: AlertRoom) -> list[ChannelRow]:
    """How the channels do, in the order of the settings."""
    return [_row(room, channel.name, channel.kind) for channel in room.settings.channels]


def _row(room: AlertRoom, name: str, kind: str) -> ChannelRow:
    counts, sender = room.counts.get(name, Counts()), room.senders.get(name)
    return ChannelRow(
        name=name,
        kind=kind,
        waiting=counts.waiting,
        dead=counts.dead,
        sent=counts.sent,
        last_sent_at=counts.last_sent_at,
        problem="" if sender is None else sender.problem,
        paused_until=None if sender is None else room.until(sender.paused_until_s),
    )
