"""A process is too large when it is above its ceiling for some looks in a row."""

import pytest

from midwatch_core.children.ceiling import Ceiling


@pytest.mark.parametrize(
    ("seen", "most", "too_large"),
    [
        ([11, 11, 11], 10, [False, False, True]),
        ([11, 11, 11, 11], 10, [False, False, True, True]),
        ([11, 11, 10, 11, 11, 11], 10, [False, False, False, False, False, True]),
        ([10, 10, 10, 10], 10, [False] * 4),
        ([11, 11, 0, 11, 11], 10, [False] * 5),
        ([10**12] * 5, 0, [False] * 5),
    ],
)
def test_a_moment_above_it_is_none(seen: list[int], most: int, too_large: list[bool]) -> None:
    ceiling = Ceiling()
    assert [ceiling.look(resident, most) for resident in seen] == too_large


def test_a_ceiling_that_was_raised_holds_at_once() -> None:
    ceiling = Ceiling(looks=1)
    assert ceiling.look(11, 10)
    assert not ceiling.look(11, 12)
