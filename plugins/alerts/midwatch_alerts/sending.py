"""Sending: one task a channel takes its messages from the outbox, in order, as fast as its cap and its health allow."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from midwatch_alerts.backoff import asked_s, backoff_s, is_given_up
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.numbers import FAILED, SENT
from midwatch_alerts.outbox import Claimed, Outbox
from midwatch_alerts.rate import RateCap
from midwatch_alerts.steady import SteadyTime
from midwatch_alerts.trying import reason_of, try_to_send
from midwatch_core import Guard, Metrics, StorageError

logger = logging.getLogger(__name__)

# Others write the outbox too: a command that sends a dead letter again.
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What all senders share. `unsay` is told the id of each message that is given up."""

    outbox: Outbox
    time: SteadyTime
    metrics: Metrics
    guard: Guard
    unsay: Callable[[str], None]


class Sender:
    """`step` sends one message; `news` says that there may be one.

    `problem` is what the channel said last, `handled` how many tries there were.
    """

    def __init__(self, name: str, channel: Channel, cap: RateCap, post: Post) -> None:
        self.name = name
        self.problem = ""
        self.handled = 0
        self.paused_until_s = 0.0
        self._channel = channel
        self._next: Channel | None = None
        self._cap = cap
        self._post = post
        self._failures = 0
        # What was being sent as the outbox could not be written.
        self._unsure: str | None = None
        self._ending = False
        self._news = asyncio.Event()

    @property
    def channel(self) -> Channel:
        """The channel as it was opened last."""
        return self._next or self._channel

    def news(self) -> None:
        """There may be a message."""
        self._news.set()

    async def replace(self, channel: Channel, cap: RateCap) -> None:
        """Go on with this one, as soon as nothing is being sent; the one before is closed then."""
        unused, self._next, self._cap, self.paused_until_s = self._next, channel, cap, 0.0
        self._news.set()
        if unused is not None:
            await unused.close()

    def end(self) -> None:
        """Stop when what is being sent is sent; the rest waits."""
        self._ending = True
        self._news.set()

    async def run(self) -> None:
        """Send until it is ended."""
        while not self._ending:
            self._news.clear()
            if (wait_s := await self.step()) > 0 and not self._ending:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait_s, _LOOK_S)):
                        await self._news.wait()

    async def close(self) -> None:
        """Let go of the channel."""
        await self._channel.close()
        if self._next is not None:
            await self._next.close()

    async def step(self) -> float:
        """Send the next message, if there is one and its time has come; seconds until it is worth looking again."""
        if self._next is not None:
            await self._channel.close()
            self._channel, self._next = self._next, None
        now_s = self._post.time.now_s()
        wait_s = max(self.paused_until_s - now_s, self._cap.wait_s(now_s))
        if wait_s > 0:
            return wait_s
        try:
            await self._make_sure(now_s)
            claimed = await self._post.outbox.claim(self.name, now_s)
            if not isinstance(claimed, Claimed):
                return _LOOK_S if claimed is None else claimed - now_s
            self._unsure = claimed.message.id
            await self._send(claimed)
            self._unsure = None
            self.handled += 1
        except StorageError as error:
            logger.error("alerts: %s", error)
            return _LOOK_S
        return 0.0

    async def _make_sure(self, now_s: float) -> None:
        """What became of it could not be written down: it is sent again, and says so, not left until a restart."""
        if self._unsure is not None:
            problem = "what became of it could not be written down"
            await self._post.outbox.again(self._unsure, problem, next_s=now_s, unsure=True, counts=True)
            self._unsure = None

    async def _send(self, claimed: Claimed) -> None:
        message, post = claimed.message, self._post
        self._cap.sent(post.time.now_s())
        error = await try_to_send(self._channel, message, post.guard)
        if error is not None:
            await self._failed(claimed, error)
            return
        self._failures, self.problem = 0, ""
        post.metrics.add(SENT, 1, (self.name, message.kind.value))
        await post.outbox.sent(message.id, post.time.clock.now().timestamp())

    async def _failed(self, claimed: Claimed, error: ChannelError) -> None:
        message, now_s = claimed.message, self._post.time.now_s()
        self._tell(error)
        attempts = claimed.attempts + (error.wait_s is None)
        if error.refused or is_given_up(attempts, now_s - claimed.since_s):
            self._post.unsay(message.id)
            await self._post.outbox.give_up(message.id, self.problem)
            return
        self._failures += 1
        # A channel that is down is not asked by each of its messages; one of them alone may be what it can't take.
        pause_s = max(backoff_s(self.name, self._failures), asked_s(error.wait_s))
        self.paused_until_s = now_s + pause_s
        next_s = now_s + max(backoff_s(message.id, attempts), pause_s)
        await self._post.outbox.again(
            message.id, self.problem, next_s=next_s, unsure=error.unknown, counts=error.wait_s is None
        )

    def _tell(self, error: ChannelError) -> None:
        self.problem = str(error)
        self._post.metrics.add(FAILED, 1, (self.name, reason_of(error)))
        failures = self._failures + 1
        if failures & (failures - 1) == 0:  # 1st, 2nd, 4th, …: a dead channel must not fill the log
            logger.warning("alerts: %s: %s", self.name, error)
