"""The room of alerts in control: the outbox, what is told, and a sender for each channel."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from midwatch_alerts.channels.channel import Channel
from midwatch_alerts.channels.opening import House, open_channel
from midwatch_alerts.deliveries import Counts, Deliveries
from midwatch_alerts.leases import Leases
from midwatch_alerts.making import message_for_test
from midwatch_alerts.numbers import DEAD, WAITING
from midwatch_alerts.outbox import Outbox
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_alerts.rate import RateCap
from midwatch_alerts.sending import Post, Sender
from midwatch_alerts.settings import Settings
from midwatch_alerts.steady import SteadyTime
from midwatch_alerts.telling import Telling
from midwatch_alerts.trying import try_to_send
from midwatch_core import ConfigError, Delivery, Guard, Host, Incident, IncidentChange, Severity, StorageError, uuid7

logger = logging.getLogger(__name__)

_TICK_S = 1.0
_TEND_EVERY = 60
_COUNT_EVERY = 5
# A sender that broke begins anew after so long.
_AGAIN_S = 5.0
# What is being sent as the house stops is given so long; it is sent again after, if it is not done by then.
_ENDING_S = 3.0


class AlertRoom:
    """`start` it, and `close` it; all else may be called in between."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._time = SteadyTime.of(host.clock)
        self._file = OutboxFile(host.home)
        self._outbox = Outbox(self._file)
        self._guard = Guard()
        self._senders: dict[str, Sender] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()
        self._testing = asyncio.Lock()
        self._telling: Telling | None = None
        self._handled = 0
        self._counted: set[str] = set()
        self.deliveries = Deliveries(self._file)
        self.counts: Mapping[str, Counts] = {}

    @property
    def settings(self) -> Settings:
        """As they are in use."""
        return self._settings

    @property
    def senders(self) -> Mapping[str, Sender]:
        """By the name of the channel."""
        return self._senders

    @property
    def problem(self) -> str:
        """What is wrong with the outbox itself; empty where all is well."""
        return self._file.problem

    def until(self, steady_s: float) -> datetime | None:
        """The time of day at a steady time that is yet to come; None where it is not."""
        ahead_s = steady_s - self._time.now_s()
        return self._host.clock.now() + timedelta(seconds=ahead_s) if ahead_s > 0 else None

    async def start(self) -> None:
        """Open the outbox and the channels, and set out. Raises ConfigError."""
        channels = await _opened(self._settings, self._host)
        try:
            await self._file.open()
            kept = await self._outbox.begin(self._time.now_s())
        except StorageError as error:
            raise ConfigError(f"alerts: {error}") from error
        self._telling = Telling(
            self._settings,
            kept,
            outbox=self._outbox,
            leases=Leases(self._host.cache, kept.node),
            time=self._time,
            desk=self._host.alerts,
        )
        await self._set_out(channels)
        await self._count()
        self._ticking = asyncio.create_task(self._keep_ticking())

    async def take(self, incident: Incident, change: IncidentChange) -> None:
        """A change of an incident: it is written down when this returns. Raises StorageError."""
        assert self._telling is not None, "start it first"
        await self._telling.take(incident, change)
        if incident.severity is Severity.CRITICAL or self._settings.group_s == 0:
            self._urgent.set()

    async def follow(self, settings: Settings, host: Host) -> None:
        """From now on go by these settings, and the house's. Raises ConfigError, and goes on with those before."""
        assert self._telling is not None, "start it first"
        channels = await _opened(settings, host)
        self._settings, self._host = settings, host
        self._telling.follow(settings)
        await self._set_out(channels)

    async def test(self, channel: str) -> Delivery:
        """Send a test now; how it went. Raises ValueError where there is no such channel, StorageError."""
        sender = self._senders.get(channel)
        if sender is None:
            raise ValueError(f"there is no channel {channel!r}")
        at = self._host.clock.now()
        message = message_for_test(self._settings.installation, uuid7(at.timestamp()), at)
        async with self._testing:
            error = await try_to_send(sender.channel, message, self._guard)
        problem = None if error is None else str(error) or "not sent"
        await self.deliveries.note_test(channel, message, problem, self._host.clock.now().timestamp())
        delivery = await self.deliveries.of(message.id)
        assert delivery is not None, "it was written just now"
        return delivery

    async def retry(self, delivery_id: str) -> bool:
        """Have a dead letter sent again. Raises StorageError."""
        waits = await self.deliveries.retry(delivery_id, self._time.now_s())
        for sender in self._senders.values():
            sender.news()
        return waits

    async def forget(self, tenant: str, before: datetime | None) -> None:
        """A tenant is forgotten: nothing of it is kept or told any more. Raises StorageError."""
        assert self._telling is not None, "start it first"
        await self._telling.forget(tenant, before)
        await self._count()

    async def close(self) -> None:
        """Stop; what waits is sent after the next start."""
        for sender in self._senders.values():
            sender.end()
        if self._sending:
            await asyncio.wait(self._sending, timeout=_ENDING_S)
        tasks = [*self._sending, *([self._ticking] if self._ticking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._file.close()

    async def _set_out(self, channels: Mapping[str, Channel]) -> None:
        """A sender for each channel; those there are go on with what was opened now."""
        for name in self._senders.keys() - channels.keys():
            self._senders.pop(name).end()
        for name, channel in channels.items():
            cap = RateCap(self._settings.rate_per_minute, await self._lately(name))
            if name in self._senders:
                await self._senders[name].replace(channel, cap)
                continue
            post = Post(
                outbox=self._outbox,
                time=self._time,
                metrics=self._host.metrics,
                guard=self._guard,
                unsay=self._unsay,
            )
            self._senders[name] = Sender(name, channel, cap, post)
            task = asyncio.create_task(self._keep_sending(self._senders[name]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _lately(self, channel: str) -> list[float]:
        """The steady times of what went out in the last minute; what a wrong clock has put later counts as just now."""
        now_at, now_s = self._host.clock.now().timestamp(), self._time.now_s()
        with suppress(StorageError):
            return [now_s - max(0.0, now_at - at) for at in await self._outbox.recent(channel, now_at - 60)]
        return []

    async def _keep_sending(self, sender: Sender) -> None:
        """Whatever happens to one sender, it goes on, and the others do."""
        try:
            while True:
                outcome = await self._guard.wait(f"alerts to {sender.name}", sender.run)
                if outcome.ok:
                    return
                await asyncio.sleep(_AGAIN_S)
        finally:
            await sender.close()

    async def _keep_ticking(self) -> None:
        ticks = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._urgent.wait()
            self._urgent.clear()
            ticks += 1
            await self._guard.wait("alerts tick", self._tick, ticks)

    async def _tick(self, ticks: int) -> None:
        """Make messages of what is due; now and then count, and clear up."""
        assert self._telling is not None, "it was started"
        try:
            made = await self._telling.flush()
            for name in made & self._senders.keys():
                self._senders[name].news()
            if ticks % _TEND_EVERY == 1:
                await self._telling.tend()
            handled = sum(sender.handled for sender in self._senders.values())
            if made or handled != self._handled or ticks % _COUNT_EVERY == 0:
                self._handled = handled
                await self._count()
        except StorageError as error:
            logger.error("alerts: %s", error)

    async def _count(self) -> None:
        self.counts = await self.deliveries.counts()
        self._counted |= self._senders.keys()
        for name in self._counted:  # also of a channel that is gone: its last number would stay
            counts = self.counts.get(name, Counts())
            self._host.metrics.set(WAITING, counts.waiting, (name,))
            self._host.metrics.set(DEAD, counts.dead, (name,))

    def _unsay(self, message_id: str) -> None:
        if self._telling is not None:
            self._telling.unsay(message_id)


async def _opened(settings: Settings, host: Host) -> dict[str, Channel]:
    """All channels, or none of them. Raises ConfigError."""
    channels: dict[str, Channel] = {}
    try:
        for one in settings.channels:
            channels[one.name] = open_channel(one, House(version=host.version, settings=host.settings))
    except ConfigError:
        for channel in channels.values():
            await channel.close()
        raise
    return channels
