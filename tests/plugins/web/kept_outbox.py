"""An outbox for faces to show: it keeps what it was given, and sends nothing anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from midwatch_core.alert_outbox import AlertOutbox, ChannelRow, Delivery, DeliveryState
from midwatch_core.errors import StorageError
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from tests.plugins.web.conftest import NOW

NO_SERVICE = "no_service"


@dataclass(slots=True)
class KeptOutbox:
    """An outbox that keeps what it was given. A test of `broken` is not taken; any other is."""

    rows: list[ChannelRow] = field(
        default_factory=lambda: [channel("on-call"), channel("broken", problem="no_service")]
    )
    kept: list[Delivery] = field(default_factory=list)
    failure: StorageError | None = None

    def channels(self) -> Sequence[ChannelRow]:
        return self.rows

    async def deliveries(
        self, *, channel: str | None = None, incident: str | None = None, state: DeliveryState | None = None, limit: int
    ) -> Sequence[Delivery]:
        if self.failure is not None:
            raise self.failure
        found = [
            one
            for one in reversed(self.kept)
            if channel in (None, one.channel)
            and (incident is None or incident in one.incidents)
            and state in (None, one.state)
        ]
        return found[:limit]

    async def delivery(self, delivery_id: str) -> Delivery | None:
        return next((one for one in self.kept if one.id == delivery_id), None)

    async def retry(self, delivery_id: str) -> bool:
        for at, one in enumerate(self.kept):
            if one.id == delivery_id and one.state is DeliveryState.DEAD:
                self.kept[at] = replace(one, state=DeliveryState.WAITING)
                return True
        return False

    async def test(self, channel: str) -> Delivery:
        if channel not in {row.name for row in self.rows}:
            raise ValueError(channel)
        state = DeliveryState.DEAD if channel == "broken" else DeliveryState.SENT
        sent = delivery(f"t-{len(self.kept)}", channel=channel, state=state, title="A test", incidents=())
        self.kept.append(sent)
        return sent


def channel(name: str, **changes: Any) -> ChannelRow:
    return replace(ChannelRow(name=name, kind="slack", sent=3, last_sent_at=NOW - timedelta(hours=1)), **changes)


def delivery(delivery_id: str, **changes: Any) -> Delivery:
    made = Delivery(
        id=delivery_id,
        channel="on-call",
        state=DeliveryState.SENT,
        title="Something goes on",
        incidents=("i-1",),
        made_at=NOW - timedelta(minutes=5),
        attempts=1,
        sent_at=NOW - timedelta(minutes=4),
    )
    return replace(made, **changes)


def sending(outbox: AlertOutbox) -> Plugins:
    """Plugins of which one has this outbox."""
    plugins = Plugins()
    plugins.add("sender", lambda: _Sender(outbox))
    plugins.activate({})
    return plugins


class _Sender:
    """A plugin that has an outbox."""

    def __init__(self, outbox: AlertOutbox) -> None:
        self._outbox = outbox

    @hookimpl
    def alert_outbox(self) -> AlertOutbox:
        return self._outbox
