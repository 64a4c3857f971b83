"""The guard: an error is an outcome with a name, a deadline holds, cancellation passes, and all is counted once."""

import asyncio
import logging

import pytest

from midwatch_core.errors import PluginError
from midwatch_core.guarded import Guard


def fails() -> None:
    raise LookupError("gone")


async def doubled(value: int) -> int:
    await asyncio.sleep(0)
    return 2 * value


async def fails_later() -> None:
    await asyncio.sleep(0)
    raise LookupError("gone later")


def test_a_value_and_an_error() -> None:
    guard = Guard()
    assert guard.call("sum", sum, (1, 2)).value == 3
    outcome = guard.call("acme.price", fails)
    assert not outcome.ok
    assert isinstance(outcome.error, LookupError)
    assert (guard.records["sum"].calls, guard.records["sum"].failures) == (1, 0)
    assert guard.records["acme.price"].last_error == "LookupError: gone"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_process_passes(end: type[BaseException]) -> None:
    def ends() -> None:
        raise end

    with pytest.raises(end):
        Guard().call("x", ends)


async def test_awaitables_are_awaited_and_counted_once() -> None:
    guard = Guard()
    assert (await guard.wait("a", doubled, 4)).value == 8
    assert (await guard.wait("a", sum, (1, 2))).value == 3
    assert isinstance((await guard.wait("a", fails_later)).error, LookupError)
    assert isinstance((await guard.wait("a", fails)).error, LookupError)
    assert (guard.records["a"].calls, guard.records["a"].failures) == (4, 2)


async def test_a_deadline_is_an_error_with_a_name() -> None:
    outcome = await Guard().wait("slow", asyncio.sleep, 3600, deadline_s=0.01)
    assert (outcome.name, type(outcome.error)) == ("slow", TimeoutError)


async def test_cancellation_passes_through() -> None:
    task = asyncio.create_task(Guard().wait("slow", asyncio.sleep, 3600))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_storm_of_errors_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard()
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            guard.call("stormy", fails)
    assert len(caplog.records) == 10
    assert guard.records["stormy"].failures == 1000


def test_a_value_alone_is_guarded_and_counted_too() -> None:
    guard = Guard()
    assert guard.value("sum", sum, (1, 2)) == 3
    assert guard.value("acme.price", fails) is None
    assert (guard.records["sum"].calls, guard.records["sum"].failures) == (1, 0)
    assert guard.records["acme.price"].last_error == "LookupError: gone"


class MuteError(Exception):
    def __str__(self) -> str:
        raise OSError("not even that")


def test_an_error_that_cannot_say_what_is_counted_all_the_same() -> None:
    def raises() -> None:
        raise MuteError

    guard = Guard()
    assert isinstance(guard.call("acme.price", raises).error, MuteError)
    assert guard.records["acme.price"].last_error == "MuteError: (it can't say what)"


def test_a_complaint_counts_as_a_failure_of_a_call_that_returned() -> None:
    guard = Guard()
    guard.call("a", sum, (1, 2))
    guard.complain("a", PluginError("a", "gave 3 of 2"))
    record = guard.records["a"]
    assert (record.calls, record.failures, record.in_a_row) == (1, 1, 1)
    assert record.last_error == "plugin a: gave 3 of 2"
    guard.call("a", sum, (1, 2))
    assert record.in_a_row == 0
