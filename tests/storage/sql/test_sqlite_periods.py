from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from midwatch_sql.periods import HOUR_US, HOURS_A_DAY, Grain, Span, cut

_SIZES = {Grain.MOMENT: 1, Grain.HOUR: HOUR_US, Grain.DAY: HOURS_A_DAY * HOUR_US}
_WHOLE = st.integers(-100, 100).map(lambda hours: hours * HOUR_US)
moments = st.none() | _WHOLE | st.integers(-100 * HOUR_US, 100 * HOUR_US)


def in_moments(span: Span) -> tuple[int | None, int | None]:
    size = _SIZES[span.grain]
    return (None if span.first is None else span.first * size, None if span.end is None else span.end * size)


def beginning(piece: tuple[int | None, int | None]) -> float:
    return float("-inf") if piece[0] is None else piece[0]


@given(moments, moments, st.sampled_from([Grain.HOUR, Grain.DAY]))
def test_the_pieces_are_the_span_each_moment_once(since: int | None, until: int | None, finest: Grain) -> None:
    pieces = sorted(map(in_moments, cut(since, until, finest=finest)), key=beginning)
    if since is not None and until is not None and since >= until:
        assert pieces == []
        return
    assert (pieces[0][0], pieces[-1][1]) == (since, until)
    for before, after in pairwise(pieces):
        assert before[1] == after[0]


@given(moments, moments, st.sampled_from([Grain.HOUR, Grain.DAY]))
def test_the_ragged_ends_are_shorter_than_what_is_whole(since: int | None, until: int | None, finest: Grain) -> None:
    pieces = cut(since, until, finest=finest)
    whole = any(piece.grain is not Grain.MOMENT for piece in pieces)
    for piece in pieces:
        if piece.grain is Grain.MOMENT and piece.first is not None and piece.end is not None:
            assert piece.end - piece.first < (1 if whole else 2) * HOUR_US
        if piece.grain is Grain.DAY:
            assert finest is Grain.DAY


def test_without_ends_all_is_whole() -> None:
    assert cut(None, None, finest=Grain.DAY) == [Span(Grain.DAY, None, None)]
    assert cut(None, None, finest=Grain.HOUR) == [Span(Grain.HOUR, None, None)]
