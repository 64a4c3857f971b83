"""The plugin: incidents go out to channels, from control alone; what that needs is imported there."""

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from midwatch_alerts.numbers import METRICS
from midwatch_alerts.settings import Settings
from midwatch_core import (
    AlertOutbox,
    Command,
    Forgotten,
    Host,
    Incident,
    IncidentChange,
    Json,
    MetricSpec,
    PluginHealth,
    Role,
    hookimpl,
)

if TYPE_CHECKING:
    from midwatch_alerts.room import AlertRoom


class Alerts:
    """Alerts of Midwatch in Slack, Teams, Discord, PagerDuty, Opsgenie, Telegram, e-mail and webhooks."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
        self._room: AlertRoom | None = None

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """What is counted of channels."""
        return list(METRICS)

    @hookimpl
    def startup(self, host: Host) -> Awaitable[None] | None:
        """Open channels and outbox. Awaited, it raises ConfigError."""
        if host.role is not Role.CONTROL or not self._settings.channels:
            return None
        return self._open(self._settings, host)

    @hookimpl
    def notify(self, incident: Incident, change: IncidentChange) -> Awaitable[None] | None:
        """Write down what is to be told. Awaited, it raises StorageError."""
        return None if self._room is None else self._room.take(incident, change)

    @hookimpl
    def alert_outbox(self, host: Host) -> AlertOutbox | None:
        """What faces show."""
        if host.role is not Role.CONTROL:
            return None
        from midwatch_alerts.showing import OutboxFace

        return OutboxFace(lambda: self._room)

    @hookimpl
    def forgotten(self, who: Forgotten, host: Host) -> Awaitable[None] | None:
        """Drop what there is of a tenant. Awaited, it raises StorageError."""
        tenant = who.whole_tenant
        if tenant is None:
            return None
        if self._room is not None:
            return self._room.forget(tenant, who.until)
        from midwatch_alerts.forgetting import forget_at_home

        return forget_at_home(host.home, tenant, who.until)

    @hookimpl
    def reload(self, host: Host) -> Awaitable[None] | None:
        """Take the settings that are there now, and read secrets anew. Awaited, it raises ConfigError: then what there
        was goes on.
        """
        told = host.settings.get("alerts")
        if host.role is not Role.CONTROL or not isinstance(told, Settings):
            return None
        if self._room is not None:
            return self._room.follow(told, host)
        return self._open(told, host) if told.channels else None

    @hookimpl
    def health(self) -> PluginHealth | None:
        """How channels do. A dead one is no reason to call the house unready."""
        if self._room is None:
            return None
        from midwatch_alerts.showing import channel_rows

        channels: dict[str, Json] = {
            row.name: {"waiting": row.waiting, "dead": row.dead, "problem": row.problem}
            for row in channel_rows(self._room)
        }
        facts: dict[str, Json] = {"channels": channels}
        if self._room.problem:
            facts["outbox"] = {"problem": self._room.problem}
        return PluginHealth(ready=True, facts=facts)

    @hookimpl
    def shutdown(self, host: Host) -> Awaitable[None] | None:
        """Stop; what waits goes out after the next start."""
        room, self._room = self._room, None
        return None if room is None else room.close()

    @hookimpl
    def commands(self, host: Host) -> list[Command]:
        """`alerts channels`, `alerts test`, `alerts preview`, `alerts dead`, `alerts retry`."""
        from midwatch_alerts.commanding.words import run

        return [
            Command(
                name="alerts",
                help="Channels of alerts: list, test, preview; dead letters",
                run=partial(run, self._settings, host),
            )
        ]

    async def _open(self, settings: Settings, host: Host) -> None:
        from midwatch_alerts.room import AlertRoom

        room = AlertRoom(settings, host)
        await room.start()
        self._room = room
