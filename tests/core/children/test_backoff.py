"""A process that dies is started again: at once, then later and later, and anew after a good life."""

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.children.backoff import Backoff


def test_a_crash_loop_backs_off() -> None:
    backoff = Backoff()
    delays = [backoff.after(0.5, was_ready=False) for _ in range(12)]
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 10.0


def test_kills_of_one_that_works_never_make_calls_wait_long() -> None:
    backoff = Backoff()
    delays = [backoff.after(2.0, was_ready=True) for _ in range(50)]
    assert delays[0] == 0.1
    assert max(delays) == 1.0


def test_one_that_lived_well_starts_anew() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.after(0.5, was_ready=False)
    assert backoff.after(3600.0, was_ready=True) == 0.1
    assert backoff.after(3600.0, was_ready=False) > 0.1


@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans())))
def test_a_delay_is_always_within_its_bounds(lives: list[tuple[float, bool]]) -> None:
    backoff = Backoff()
    for lived_s, was_ready in lives:
        delay_s = backoff.after(lived_s, was_ready=was_ready)
        assert 0.1 <= delay_s <= (1.0 if was_ready else 10.0)
