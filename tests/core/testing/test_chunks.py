"""Pieces join to the whole, whatever the seed."""

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import StreamKind
from midwatch_core.testing import every_split, stream_chunks, text_events


@given(st.text(), st.integers())
def test_pieces_join_to_the_whole(data: str, seed: int) -> None:
    pieces = stream_chunks(data, seed=seed)
    assert "".join(pieces) == data
    assert pieces == stream_chunks(data, seed=seed)
    assert all(0 < len(piece) <= 12 for piece in pieces)
    assert b"".join(stream_chunks(data.encode(), seed=seed)) == data.encode()


def test_every_split_is_whole_in_two_and_one_by_one() -> None:
    assert list(every_split("abc")) == [["abc"], ["a", "bc"], ["ab", "c"], ["a", "b", "c"]]
    assert list(every_split(b"ab")) == [[b"ab"], [b"a", b"b"], [b"a", b"b"]]


def test_pieces_are_events_of_one_text() -> None:
    events = text_events(["a", "b"], path="/x")
    assert [(event.kind, event.path, event.text) for event in events] == [
        (StreamKind.TEXT, "/x", "a"),
        (StreamKind.TEXT, "/x", "b"),
    ]
