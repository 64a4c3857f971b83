"""What is asked often and looked at now and then."""

from collections.abc import Iterator
from itertools import count

from midwatch.control.occasionally import Occasionally


def test_what_was_seen_last_holds_until_it_is_time_to_look_again() -> None:
    times: Iterator[float] = iter([0.0, 5.0, 9.9, 10.0, 19.0, 30.0])
    looks = count()
    seen = Occasionally(lambda: next(looks), 10.0, lambda: next(times))
    assert [seen() for _ in range(6)] == [0, 0, 0, 1, 1, 2]
