"""UUIDv7: the moment in front, version and variant where RFC 9562 wants them, order by time."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.ids import uuid7

MOMENTS = st.floats(0, 2**48 / 1000 - 1, allow_nan=False)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_it_is_a_uuid_of_version_7_that_holds_its_moment(at_s: float, noise: bytes) -> None:
    value = uuid.UUID(uuid7(at_s, lambda size: noise[:size]))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == int(at_s * 1000)


@given(MOMENTS, MOMENTS)
def test_later_ids_sort_later(one_s: float, other_s: float) -> None:
    first, second = sorted((int(one_s * 1000), int(other_s * 1000)))
    if first != second:
        assert uuid7(min(one_s, other_s)) < uuid7(max(one_s, other_s))


def test_two_of_one_moment_differ() -> None:
    assert len({uuid7(1_700_000_000.0) for _ in range(1000)}) == 1000
