"""The pure machines of the edges: who tries keys, who is one too many, who is late, whose body is too slow."""

from __future__ import annotations

import resource

import pytest

from midwatch.lean.arriving import Arriving
from midwatch.proxy.edges.attempts import Attempts
from midwatch.proxy.edges.crowd import Crowd, TurnedAway, make_room, room
from midwatch.proxy.edges.pace import Pace
from midwatch.proxy.edges.telling import Telling
from midwatch.proxy.edges.waits import Waits
from midwatch_core.clock import SystemClock


class SteppedClock(SystemClock):
    """A clock that a test moves."""

    at_s = 0.0

    def monotonic(self) -> float:
        return self.at_s


def test_the_last_wrong_key_that_is_allowed_makes_an_address_wait() -> None:
    attempts = Attempts(limit=3, wait_s=60)
    assert [attempts.failed("10.0.0.1", at) for at in (0.0, 1.0, 2.0, 3.0)] == [False, False, True, False]
    assert attempts.wait_of("10.0.0.1", 3.0) == 60
    assert attempts.wait_of("10.0.0.2", 3.0) == 0
    assert (attempts.waiting(3.0), attempts.waiting(63.0)) == (1, 0)
    assert attempts.wait_of("10.0.0.1", 63.0) == 0


def test_wrong_keys_now_and_then_are_typing_errors() -> None:
    attempts = Attempts(limit=3, wait_s=60)
    assert not any(attempts.failed("10.0.0.1", at * 40.0) for at in range(50))


def test_who_was_let_in_before_goes_on_beside_who_tries() -> None:
    attempts = Attempts(limit=1, wait_s=60)
    attempts.passed("10.0.0.1", "known")
    attempts.failed("10.0.0.1", 0.0)
    assert attempts.wait_of("10.0.0.1", 1.0, "known") == 0
    assert attempts.wait_of("10.0.0.1", 1.0, "guessed at last") > 0
    assert attempts.wait_of("10.0.0.1", 1.0) > 0


def test_a_new_window_does_not_end_a_wait() -> None:
    attempts = Attempts(limit=2, wait_s=600)
    attempts.failed("a", 0.0)
    attempts.failed("a", 1.0)
    attempts.failed("a", 100.0)
    assert attempts.wait_of("a", 100.0) > 0


def test_a_limit_of_nothing_is_none() -> None:
    attempts = Attempts(limit=0, wait_s=60)
    assert not any(attempts.failed("a", 0.0) for _ in range(1000))
    assert attempts.wait_of("a", 0.0) == 0


def test_addresses_without_number_take_a_room_of_bounded_size() -> None:
    attempts = Attempts(limit=1, wait_s=60)
    for number in range(10_000):
        attempts.failed(str(number), 0.0)
        attempts.passed(str(number), "key")
    assert attempts.waiting(0.0) == 4096
    assert attempts.wait_of("9999", 0.0) > 0
    assert attempts.wait_of("0", 0.0) == 0


def test_a_crowd_is_bounded_in_all_and_by_address() -> None:
    crowd = Crowd(most=3, most_each=2)
    assert [crowd.enters(name, "a") for name in ("1", "2", "3")] == [None, None, "client_crowd"]
    assert [crowd.enters(name, "b") for name in ("4", "5")] == [None, "crowd"]
    crowd.leaves("5")  # one that was not let in
    assert len(crowd) == 3
    crowd.leaves("1")
    assert crowd.enters("6", "a") is None


def test_a_crowd_without_bounds_is_counted_all_the_same() -> None:
    crowd = Crowd(most=0, most_each=0)
    assert not any(crowd.enters(str(number), "a") for number in range(5000))
    for number in range(5000):
        crowd.leaves(str(number))
    assert len(crowd) == 0
    assert not crowd._by_address


def test_there_is_room_for_what_file_descriptors_are_left_for() -> None:
    assert room(1) == 1
    assert 0 < room(10**9) < 10**9
    assert room(0) == room(10**9)


def test_a_worker_takes_all_the_file_descriptors_it_may_have() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert room(10_000) == 448
        make_room()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= before[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_who_was_turned_away_is_forgotten_after_a_minute() -> None:
    turned = TurnedAway()
    for _ in range(1000):
        turned.one(5.2)
    turned.one(30.0)
    assert [turned.lately(at) for at in (31.0, 66.0, 91.0)] == [1001, 1, 0]


def test_a_client_is_late_once() -> None:
    waits = Waits()
    waits.begin("1", "slow_head", 10.0)
    waits.begin("2", "slow_head", 12.0)
    waits.begin("2", "slow_handshake", 20.0)
    waits.begin("3", "slow_head", 5.0)
    assert waits.end("3") == "slow_head"
    assert waits.end("3") is None
    assert list(waits.late(10.0)) == [("1", "slow_head")]
    assert not waits.waits_for("1")
    assert list(waits.late(15.0)) == []
    assert list(waits.late(20.0)) == [("2", "slow_handshake")]
    assert len(waits) == 0


def lates(pace: Pace, now_s: float) -> list[str]:
    return [connection for connection, _ in pace.late(now_s)]


def test_a_body_that_drips_is_late_once_and_not_before_a_whole_stretch() -> None:
    pace, body = Pace(least_per_s=100, span_s=60), Arriving()
    pace.begin("1", body, 0.0)
    for second in range(60):
        body.size += 99
        assert lates(pace, float(second)) == []
    assert lates(pace, 60.0) == ["1"]
    assert lates(pace, 500.0) == []
    assert len(pace) == 0


def test_each_stretch_stands_for_itself() -> None:
    pace, body = Pace(least_per_s=100, span_s=60), Arriving()
    pace.begin("1", body, 0.0)
    body.size = 10**9  # much at once is no leave to be silent later
    assert lates(pace, 60.0) == []
    assert lates(pace, 119.0) == []
    assert lates(pace, 120.0) == ["1"]


def test_a_slow_upload_that_goes_on_is_never_late() -> None:
    pace, body = Pace(least_per_s=100, span_s=60), Arriving()
    pace.begin("1", body, 0.0)
    for second in range(1, 3600):
        if second % 50 == 0:  # in bursts
            body.size += 12_000
        assert lates(pace, second + 0.3) == []


def test_who_looks_late_asks_for_more() -> None:
    """A worker that was held up for a while counts what came meanwhile by how long it took."""
    pace, body = Pace(least_per_s=100, span_s=60), Arriving()
    pace.begin("1", body, 0.0)
    body.size = 9000
    assert lates(pace, 100.0) == ["1"]


def test_a_body_that_has_ended_or_whose_client_has_gone_is_not_minded() -> None:
    pace, bodies = Pace(least_per_s=100, span_s=60), [Arriving() for _ in range(3)]
    for number, body in enumerate(bodies):
        pace.begin(str(number), body, 0.0)
    bodies[0].ended = True
    pace.end("1")
    assert lates(pace, 1.0) == []
    assert len(pace) == 1
    assert lates(pace, 60.0) == ["2"]


def test_no_bound_of_bodies_is_none() -> None:
    pace = Pace(least_per_s=0, span_s=60)
    pace.begin("1", Arriving(), 0.0)
    assert lates(pace, 10_000.0) == []


def test_a_line_is_said_once_a_minute_of_each(caplog: pytest.LogCaptureFixture) -> None:
    clock = SteppedClock()
    telling = Telling(clock)
    for _ in range(100):
        telling.say("crowd", "10.0.0.1", "turned away")
    telling.say("crowd", "10.0.0.2", "turned away")
    clock.at_s = 61.0
    telling.say("crowd", "10.0.0.1", "turned away")
    assert [record.getMessage() for record in caplog.records] == [
        "10.0.0.1: turned away",
        "10.0.0.2: turned away",
        "10.0.0.1: turned away",
    ]
