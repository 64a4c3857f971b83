"""When a model's process is started again: soon after work, later after vain starts, and then not for a while."""

from midwatch_core.inference.attempts import Attempts


def test_five_vain_starts_in_a_row_are_enough() -> None:
    attempts = Attempts()
    delays = [attempts.lost(1.0, was_ready=False) for _ in range(5)]
    assert delays == [0.1, 0.2, 0.4, 0.8, None]


def test_one_that_loaded_begins_the_count_anew() -> None:
    attempts = Attempts(most=2)
    for _ in range(10):
        assert attempts.lost(1.0, was_ready=False) is not None
        assert attempts.lost(1.0, was_ready=True) is not None


def test_what_was_given_up_is_left_alone_for_a_while_and_tried_as_often_again() -> None:
    attempts = Attempts(most=2, again_s=60.0)
    assert attempts.allowed(0.0)
    attempts.lost(1.0, was_ready=False)
    assert attempts.lost(1.0, was_ready=False) is None
    attempts.give_up(100.0)
    assert not attempts.allowed(159.9)
    assert attempts.allowed(160.0)
    attempts.began()
    assert attempts.lost(1.0, was_ready=False) is not None
