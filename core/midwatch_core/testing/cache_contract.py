# ruff: noqa: D102  # a test's name is its documentation
"""The suite that every cache passes: subclass it, give it a `cache` fixture that yields a started, empty one.

Needs pytest and pytest-asyncio. The tests of counters are in `meters_contract`.
"""

import asyncio
from math import inf, nan

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.metering import Admission, Demand, Meter
from midwatch_core.ports import CacheLayer
from midwatch_core.testing.meters_contract import (
    HARD_NAMES,
    HOUR,
    MARGIN_S,
    SLOW,
    SOON_S,
    TEN,
    MetersContract,
    admit,
    demand,
    named,
    settle,
)


class CacheLayerContract(MetersContract):
    """What holds for every CacheLayer."""

    pytestmark = pytest.mark.asyncio

    @pytest.mark.parametrize("value", [b"", b"\0", b"a\0b\r\n", bytes(range(256)), b"\xff" * 1_048_576])
    async def test_gives_back_the_bytes_it_was_given(self, cache: CacheLayer, value: bytes) -> None:
        await cache.set("key", value)
        assert await cache.get("key") == value

    async def test_keys_are_any_text(self, cache: CacheLayer) -> None:
        for number, key in enumerate(HARD_NAMES):
            await cache.set(key, b"%d" % number)
        for number, key in enumerate(HARD_NAMES):
            assert await cache.get(key) == b"%d" % number
        assert await cache.invalidate(*HARD_NAMES) == len(HARD_NAMES)

    async def test_a_value_that_is_not_there(self, cache: CacheLayer) -> None:
        assert await cache.get("key") is None
        assert await cache.ttl("key") is None
        assert await cache.invalidate("key") == 0
        assert await cache.invalidate() == 0

    async def test_a_value_goes_when_its_time_is_over(self, cache: CacheLayer) -> None:
        await cache.set("key", b"a", ttl_s=SOON_S)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert await cache.get("key") is None
        assert await cache.ttl("key") is None
        assert await cache.invalidate("key") == 0

    async def test_tells_what_time_is_left(self, cache: CacheLayer) -> None:
        await cache.set("key", b"a", ttl_s=600)
        left = await cache.ttl("key")
        assert left is not None
        assert 0 < left <= 600
        await cache.set("key", b"b")
        assert await cache.ttl("key") == inf
        assert await cache.get("key") == b"b"

    @pytest.mark.parametrize("ttl_s", [0, -1, nan, inf])
    async def test_refuses_a_time_that_is_none(self, cache: CacheLayer, ttl_s: float) -> None:
        with pytest.raises(StorageError):
            await cache.set("key", b"a", ttl_s=ttl_s)
        with pytest.raises(StorageError):
            await cache.lease("key", "a", ttl_s)
        with pytest.raises(StorageError):
            await cache.add("key", {"n": 1}, ttl_s=ttl_s)
        with pytest.raises(StorageError):
            await admit(cache, "t", demand("w", HOUR), hold_s=ttl_s)
        assert await cache.get("key") is None

    async def test_invalidates_some_and_leaves_others(self, cache: CacheLayer) -> None:
        for key in ("a", "b", "c"):
            await cache.set(key, b"1")
        assert await cache.invalidate("a", "c", "d", "a") == 2
        assert [await cache.get(key) for key in ("a", "b", "c")] == [None, b"1", None]

    async def test_a_lease_has_one_holder(self, cache: CacheLayer) -> None:
        assert await cache.lease("job", "a", 600)
        assert not await cache.lease("job", "b", 600)
        assert await cache.lease("job", "a", 600)
        assert await cache.lease("other", "b", 600)

    async def test_many_who_want_a_lease_at_once_get_it_once(self, cache: CacheLayer) -> None:
        got = await asyncio.gather(*(cache.lease("job", f"h{number}", 600) for number in range(20)))
        assert sum(got) == 1

    async def test_a_lease_is_let_go_by_its_holder_alone(self, cache: CacheLayer) -> None:
        await cache.lease("job", "a", 600)
        await cache.release("job", "b")
        assert not await cache.lease("job", "b", 600)
        await cache.release("job", "a")
        await cache.release("job", "a")
        assert await cache.lease("job", "b", 600)

    async def test_a_lease_that_is_not_renewed_is_free(self, cache: CacheLayer) -> None:
        await cache.lease("job", "a", SOON_S)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert await cache.lease("job", "b", 600)
        assert not await cache.lease("job", "a", 600)

    async def test_a_renewed_lease_stays(self, cache: CacheLayer) -> None:
        await cache.lease("job", "a", SOON_S)
        await cache.lease("job", "a", 600)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert not await cache.lease("job", "b", 600)

    async def test_what_is_added_adds_up_by_name(self, cache: CacheLayer) -> None:
        assert await cache.sums("key") == {}
        await cache.add("key", {"cost": 0.25, "calls": 1}, ttl_s=600)
        await cache.add("key", {"calls": 2, "errors": -1.5}, ttl_s=600)
        await cache.add("key", {}, ttl_s=600)
        await cache.add("other", {"calls": 7}, ttl_s=600)
        assert await cache.sums("key") == {"cost": 0.25, "calls": 3.0, "errors": -1.5}
        assert await cache.sums("other") == {"calls": 7.0}

    async def test_nothing_added_makes_no_sums(self, cache: CacheLayer) -> None:
        await cache.add("key", {}, ttl_s=600)
        assert await cache.sums("key") == {}

    async def test_sums_given_are_those_of_their_moment(self, cache: CacheLayer) -> None:
        await cache.add("key", {"n": 1}, ttl_s=600)
        before = await cache.sums("key")
        await cache.add("key", {"n": 1}, ttl_s=600)
        assert (before, await cache.sums("key")) == ({"n": 1.0}, {"n": 2.0})

    async def test_keys_and_names_of_sums_are_any_text(self, cache: CacheLayer) -> None:
        for key in HARD_NAMES:
            await cache.add(key, {name: number for number, name in enumerate(HARD_NAMES)}, ttl_s=600)
        for key in HARD_NAMES:
            assert await cache.sums(key) == {name: float(number) for number, name in enumerate(HARD_NAMES)}

    @pytest.mark.parametrize("amount", [0.1, 1e-12, 1.7e-9, 123_456_789.123_456, 1e15, -1e15, 2**49 + 1, 0])
    async def test_an_amount_is_added_exactly_enough(self, cache: CacheLayer, amount: float) -> None:
        for _ in range(10):
            await cache.add("key", {"n": amount}, ttl_s=600)
        assert (await cache.sums("key"))["n"] == pytest.approx(10 * amount, rel=1e-12)

    async def test_many_who_add_at_once_lose_nothing(self, cache: CacheLayer) -> None:
        await asyncio.gather(*(cache.add("key", {"n": 1, f"n{number}": 0.5}, ttl_s=600) for number in range(50)))
        sums = await cache.sums("key")
        assert sums == {"n": 50.0, **{f"n{number}": 0.5 for number in range(50)}}

    async def test_a_hundred_thousand_sums_stand_under_one_key(self, cache: CacheLayer) -> None:
        names = [f"tenant-{number % 1000}/agent/coder-{number}/cost_usd" for number in range(100_000)]
        for first in range(0, len(names), 25_000):
            await cache.add("key", dict.fromkeys(names[first : first + 25_000], 0.5), ttl_s=600)
        await cache.add("key", {names[0]: 1}, ttl_s=600)
        assert await cache.sums("key") == {**dict.fromkeys(names, 0.5), names[0]: 1.5}

    async def test_sums_go_so_long_after_the_last_was_added(self, cache: CacheLayer) -> None:
        await cache.add("key", {"n": 1}, ttl_s=SOON_S)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert await cache.sums("key") == {}
        await cache.add("key", {"n": 1}, ttl_s=SOON_S)
        await cache.add("key", {"m": 1}, ttl_s=600)
        await cache.add("other", {"n": 1}, ttl_s=600)
        await cache.add("other", {"m": 1}, ttl_s=SOON_S)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert (await cache.sums("key"))["m"] == 1.0
        assert await cache.sums("other") == {}

    @pytest.mark.parametrize(
        "amount", [nan, inf, -inf, 1.1e15, -(10**5000)], ids=["nan", "inf", "-inf", "large", "huge"]
    )
    async def test_refuses_to_add_what_is_no_amount(self, cache: CacheLayer, amount: float) -> None:
        with pytest.raises(StorageError, match="'n'"):
            await cache.add("key", {"first": 1, "n": amount}, ttl_s=600)
        assert await cache.sums("key") == {}

    async def test_values_leases_sums_and_counters_of_one_name_never_meet(self, cache: CacheLayer) -> None:
        name = named("x")
        await cache.set(name, b"value")
        assert await cache.lease(name, "a", 600)
        await cache.add(name, {name: 1}, ttl_s=600)
        meters: tuple[Meter, ...] = (SLOW, HOUR, TEN)
        for number, meter in enumerate(meters):
            answer = await cache.admit(name, [Demand(name=name, amount=number + 1, meter=meter)], hold_s=600)
            assert answer == Admission(used=(number + 1,))
        assert await cache.get(name) == b"value"
        assert await cache.sums(name) == {name: 1.0}
        assert not await cache.lease(name, "b", 600)

    async def test_closed_it_refuses_and_says_so(self, cache: CacheLayer) -> None:
        await cache.close()
        await cache.close()
        asked_for = (
            cache.get("key"),
            admit(cache, "t", demand("w", HOUR)),
            settle(cache, "t"),
            cache.add("key", {"n": 1}, ttl_s=600),
            cache.sums("key"),
        )
        for asked in asked_for:
            with pytest.raises(StorageError, match="not open"):
                await asked
