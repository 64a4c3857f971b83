"""The plugin: measures what is stored, looks for loops before that, and raises alerts. All of it in control."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from midwatch_anomaly.numbers import METRICS
from midwatch_anomaly.settings import Settings
from midwatch_core import Command, Exchange, Finding, Forgotten, Host, MetricSpec, PluginHealth, Role, hookimpl

if TYPE_CHECKING:
    from midwatch_anomaly.loops import Loops
    from midwatch_anomaly.rounds import Rounds


class Anomaly:
    """Anomalies in the traffic of LLM calls: what is not as usual, and what repeats itself."""

    Config = Settings

    def __init__(self, config: Settings | None = None) -> None:
        self._settings = config or Settings()
        self._host: Host | None = None
        self._loops: Loops | None = None
        self._rounds: Rounds | None = None

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """What is counted of the watch."""
        return list(METRICS)

    @hookimpl
    def startup(self, host: Host) -> Awaitable[None] | None:
        """Learn what was known before, and begin to watch."""
        return self._begin(host) if host.role is Role.CONTROL else None

    @hookimpl
    def review(self, exchange: Exchange) -> list[Finding] | None:
        """A finding of the call that shows that an agent goes in a circle, and an alert that goes on with it."""
        circle = None if self._loops is None else self._loops.take(exchange)
        if circle is None or self._host is None:
            return None
        from midwatch_anomaly.looping.telling import alert_of, finding_of

        if self._host.alerts is not None:
            self._host.alerts.raise_alert(alert_of(circle, exchange, self._host.clock.now()))
        return [finding_of(circle)] if circle.is_new else None

    @hookimpl
    def stored(self, exchanges: Sequence[Exchange]) -> None:
        """Measure them."""
        if self._rounds is not None:
            self._rounds.take(exchanges)

    @hookimpl
    def forgotten(self, who: Forgotten, host: Host) -> Awaitable[None] | None:
        """Know nothing of a tenant that is forgotten whole. Awaited, it raises OSError, StorageError.

        Sums know no moments and no users: of less than a tenant nothing can be taken out of them.
        """
        tenant = who.whole_tenant
        if tenant is None or who.until is not None:
            return None
        if self._rounds is not None:
            return self._rounds.forget(tenant)
        from midwatch_anomaly.forgetting import forget_at_home

        return forget_at_home(host.home, tenant)

    @hookimpl
    def reload(self, host: Host) -> None:
        """Go by the settings that are there now, from the next round on; what is usual stays known."""
        told = host.settings.get("anomaly")
        if not isinstance(told, Settings):
            return
        self._settings = told
        if self._rounds is not None and self._loops is not None:
            self._rounds.follow(told)
            self._loops.follow(told.loops)

    @hookimpl
    def health(self) -> PluginHealth | None:
        """How the watch stands. Traffic goes on without it: the house is ready all the same."""
        return None if self._rounds is None else PluginHealth(ready=True, facts=self._rounds.facts)

    @hookimpl
    def commands(self, host: Host) -> list[Command]:
        """`anomaly replay`."""
        from midwatch_anomaly.commanding.words import run

        help_text = "Anomalies: replay what is kept"
        return [Command(name="anomaly", help=help_text, run=partial(run, self._settings, host))]

    @hookimpl
    async def shutdown(self, host: Host) -> None:
        """Keep what is known."""
        if self._rounds is not None:
            await self._rounds.close()

    async def _begin(self, host: Host) -> None:
        from midwatch_anomaly.loops import Loops
        from midwatch_anomaly.rounds import Rounds

        loops = Loops(self._settings.loops)
        rounds = Rounds(host, self._settings, let_go=loops.forget)
        await rounds.start()
        self._host, self._loops, self._rounds = host, loops, rounds
