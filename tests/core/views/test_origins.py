"""The maps that lead decoded text back: each on its own, and joined."""

import pytest

from midwatch_core.views.origins import Joined, Later, Located, Mirrored, Origin, Piece, Shifted, Strided, Through

BASE64 = Strided(text="Ignore é all", encoding="utf-8", start=10, end=28, unit=3, step=4, width=4)
PERCENT = Strided(text="aéb", encoding="utf-8", start=0, end=12, unit=1, step=3, width=3)
WIDE = Strided(text="a\U0001f600b", encoding="utf-16-be", start=0, end=24, unit=2, step=6, width=6)
TWO = Joined([Piece("one", Shifted(5)), Piece("two", Shifted(20))], "\n\n")
BACK = Joined([Piece("cba", Mirrored(3)), Piece("fed", Mirrored(9))], "--")


@pytest.mark.parametrize(
    ("origin", "start", "end", "source"),
    [
        (Shifted(5), 1, 3, (6, 8)),
        (Shifted(5), 2, 2, (7, 7)),
        (Mirrored(10), 0, 3, (7, 10)),
        (Mirrored(10), 4, 4, (6, 6)),
        (Located((3, 5, 9), (4, 8, 10)), 1, 3, (5, 10)),
        (Located((3, 5, 9), (4, 8, 10)), 3, 3, (10, 10)),
        (BASE64, 0, 1, (10, 14)),
        (BASE64, 2, 4, (10, 18)),
        (BASE64, 7, 8, (18, 22)),  # two bytes of the third group
        (BASE64, 8, 9, (22, 26)),  # the letters behind are a byte further on
        (BASE64, 0, 12, (10, 28)),  # the last group is short
        (BASE64, 3, 3, (14, 14)),
        (PERCENT, 1, 2, (3, 9)),
        (PERCENT, 2, 3, (9, 12)),
        (WIDE, 1, 2, (6, 18)),
        (Through(Shifted(2), Mirrored(10)), 0, 3, (5, 8)),
        (Later(lambda: Shifted(4)), 0, 1, (4, 5)),
        (TWO, 0, 3, (5, 8)),
        (TWO, 1, 7, (6, 22)),
        (TWO, 5, 8, (20, 23)),
        (TWO, 4, 6, (20, 21)),
        (TWO, 1, 4, (6, 8)),
        (TWO, 3, 5, (20, 20)),
        (BACK, 0, 2, (1, 3)),
        (BACK, 1, 6, (0, 9)),
    ],
)
def test_a_stretch_leads_to_what_it_was_made_from(
    origin: Origin, start: int, end: int, source: tuple[int, int]
) -> None:
    assert origin.span(start, end) == source


def test_a_later_map_is_made_once() -> None:
    made: list[int] = []

    def make() -> Origin:
        made.append(1)
        return Shifted(1)

    later = Later(make)
    assert not made
    assert later.span(0, 1) == later.span(0, 1) == (1, 2)
    assert made == [1]
