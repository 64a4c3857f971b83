"""The supervisor's workers: each in a place of its own, where another may take over from it at any time."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from midwatch.crew.child import Child
from midwatch.crew.crew_file import State
from midwatch.crew.rolling import Seen, Why
from midwatch.crew.wanted import Settled, Wanted
from midwatch_core.children.ceiling import Ceiling
from midwatch_core.children.resident import resident_bytes

logger = logging.getLogger(__name__)

TAKE_OVER = signal.SIGUSR1
"""Tells a worker that another has taken over: it takes nothing new, and ends when all that it began has."""

KILL_GRACE_S = 5.0
_ARRIVE_S = 60.0
# A successor that did not start is tried again after this, or when the settings are others.
_AGAIN_S = 60.0

type Hire = Callable[[str, Callable[[], bool]], Child]
"""Makes the worker of a name; the second argument tells whether others serve meanwhile."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """One that should have come did not start by these settings: nobody else is tried before `again_s`."""

    settled: Settled
    problem: str
    again_s: float


@dataclass(slots=True)
class _Place:
    """Who serves here, by which settings it started, and who served here before and has not ended yet."""

    serving: Child
    settled: Settled
    before: Child | None = None
    ceiling: Ceiling = field(default_factory=Ceiling)
    failure: _Failure | None = None


class Workers:
    """All of them. `overlap` tells that two may serve in one place at once: they share the supervisor's sockets."""

    def __init__(self, hire: Hire, *, overlap: bool) -> None:
        self._hire = hire
        self._overlap = overlap
        self._places: list[_Place] = []
        self._leaving: dict[Child, asyncio.Task[bool]] = {}
        self._coming: Child | None = None
        self._not_added: _Failure | None = None
        self._restarts_before = 0
        self.replaced = dict.fromkeys(map(str, Why), 0)

    def __iter__(self) -> Iterator[Child]:
        """All that may live: those who serve, those who leave, and one that comes."""
        yield from self.serving
        yield from self._leaving
        if self._coming is not None:
            yield self._coming

    @property
    def serving(self) -> list[Child]:
        """Those who take new calls, or will once they have started."""
        return [place.serving for place in self._places]

    @property
    def restarts(self) -> int:
        """How often one was started again after it died, whoever has its place now."""
        return self._restarts_before + sum(worker.restarts for worker in self)

    def states(self) -> dict[str, State]:
        """How each does, by name."""
        return {worker.name: self._state(worker) for worker in self}

    def problem(self, wanted: Wanted) -> str:
        """Why one is missing or not replaced as it is wanted, nothing where that is not so."""
        missing = self._not_added if len(self._places) < wanted.workers else None
        failures = (missing, *(place.failure for place in self._places))
        return next((item.problem for item in failures if item and item.settled == wanted.for_workers), "")

    def may_add(self, wanted: Wanted) -> bool:
        """Whether another may be added now: not where that failed a moment ago."""
        return not _waits(self._not_added, wanted)

    def seen(self, wanted: Wanted) -> list[Seen]:
        """All places, as `rolling.next_step` wants them. A look: ceilings count it."""
        return [self._seen(place, wanted, time.monotonic()) for place in self._places]

    def start(self, settled: Settled) -> None:
        """One more, in a place of its own, whether it gets to its work or not."""
        worker = self._new(len(self._places))
        self._places.append(_Place(serving=worker, settled=settled))
        worker.start()

    async def add(self, wanted: Wanted) -> None:
        """One more, if it gets to its work."""
        fresh = await self._come(len(self._places))
        if fresh is None:
            self._not_added = _failed(wanted, "a worker is missing: one that was to be added did not start")
            return
        self._not_added = None
        self._places.append(_Place(serving=fresh, settled=wanted.for_workers))

    def end(self, wanted: Wanted) -> None:
        """One less: the last takes nothing new, and ends when its calls have."""
        self._leave(self._places.pop().serving, wanted)

    async def replace(self, index: int, wanted: Wanted, *, why: Why, says: str) -> None:
        """Another takes over in a place; where it does not come to its work, the old one stays."""
        place = self._places[index]
        logger.info("%s is replaced: %s", place.serving.name, says)
        if not self._overlap:
            place.settled = wanted.for_workers
            await place.serving.renew(wanted.drain_s + KILL_GRACE_S)
            await place.serving.arrived(_ARRIVE_S)
        elif not await self._taken_over(place, index, wanted):
            return
        self.replaced[why] += 1

    async def _taken_over(self, place: _Place, index: int, wanted: Wanted) -> bool:
        old = place.serving
        fresh = await self._come(index)
        if fresh is None:
            place.failure = _failed(wanted, f"{old.name} stays as it is: who was to take over from it did not start")
            return False
        self._places[index] = _Place(serving=fresh, settled=wanted.for_workers, before=old)
        self._leave(old, wanted)
        return True

    async def _come(self, index: int) -> Child | None:
        """A new worker at its work, None where it does not get there."""
        self._coming = fresh = self._new(index)  # stays so where this is cancelled: it is to be stopped with the others
        fresh.start()
        await fresh.arrived(_ARRIVE_S)
        if not (arrived := fresh.at_work):
            await fresh.stop(KILL_GRACE_S)
        self._coming = None
        return fresh if arrived else None

    def _leave(self, worker: Child, wanted: Wanted) -> None:
        ending = asyncio.create_task(worker.stop(wanted.rolling_drain_s + wanted.drain_s + KILL_GRACE_S, by=TAKE_OVER))
        self._leaving[worker] = ending
        ending.add_done_callback(lambda _: self._left(worker))

    def _left(self, worker: Child) -> None:
        del self._leaving[worker]
        self._restarts_before += worker.restarts
        logger.info("%s has ended", worker.name)

    def _new(self, index: int) -> Child:
        """Control tells workers by their names, so two that live have two: `w0`, and `w0b` takes over from it."""
        taken = {worker.name for worker in self}
        names = (f"w{index}{chr(ord('a') + turn) if turn else ''}" for turn in count())
        name = next(name for name in names if name not in taken)
        return self._hire(name, lambda: any(one.name != name and self._serves(one) for one in self.serving))

    def _serves(self, worker: Child) -> bool:
        return worker.at_work and not worker.degraded

    def _state(self, worker: Child) -> State:
        if worker in self._leaving:
            return State.LEAVING
        if worker.degraded:
            return State.DEGRADED
        return State.SERVING if worker.at_work else State.STARTING

    def _seen(self, place: _Place, wanted: Wanted, now_s: float) -> Seen:
        pid = place.serving.pid
        resident = resident_bytes(pid) or 0 if pid is not None else 0
        return Seen(
            settled=place.settled,
            lived_s=now_s - place.serving.began_s,
            large=place.ceiling.look(resident, wanted.memory_bytes),
            waits=_waits(place.failure, wanted) or place.before in self._leaving,
        )


def _failed(wanted: Wanted, problem: str) -> _Failure:
    logger.error("%s", problem)
    return _Failure(wanted.for_workers, problem, time.monotonic() + _AGAIN_S)


def _waits(failure: _Failure | None, wanted: Wanted) -> bool:
    return failure is not None and failure.settled == wanted.for_workers and time.monotonic() < failure.again_s
