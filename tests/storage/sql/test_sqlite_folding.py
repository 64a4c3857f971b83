from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import FrameDecoder, Thread, Turn, dump_json, load_json, pico
from midwatch_core.testing.factories import conversation, make_exchange
from midwatch_sql.compression import pack, pack_detail, unpack, unpack_detail
from midwatch_sql.document import detail_children, put_together, take_apart
from midwatch_sql.folding import BLOCK, PieceKind, Pieces, block_children, fold, levels_children, unfold

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types throughout: 1, 1.0 and True are three things."""
    return repr(one) == repr(other)


@given(values)
def test_json_gives_back_what_went_in(value: Any) -> None:
    assert same(load_json(dump_json(value)), value)


@given(texts)
def test_packed_texts_come_back(text: str) -> None:
    for data in (text.encode(), (text * 50).encode()):
        assert unpack(pack(data)) == data
        assert unpack_detail(pack_detail(data)) == data


@given(st.integers(0, 3 * BLOCK**2 + 3), st.lists(values, max_size=5))
def test_folded_lists_come_back(length: int, last: list[Any]) -> None:
    items = [[number] for number in range(length)] + last
    pieces: Pieces = {}
    levels = fold(items, PieceKind.ITEMS, pieces)

    def read(keys: Iterable[str]) -> Mapping[str, bytes]:
        return {key: pieces[key].body for key in keys}

    assert same(unfold(levels, read), items)
    assert all(len(level) < BLOCK for level in levels)
    reached, unseen = set[str](), set(levels_children(levels, PieceKind.ITEMS))
    while unseen:
        reached |= unseen
        unseen = {child for key in unseen for child in pieces[key].children} - reached
    assert reached == pieces.keys()


def test_a_turn_shares_its_blocks_with_the_turn_before() -> None:
    turns = [take_apart(turn) for turn in conversation(100, characters=30)]
    for before, after in pairwise(turns):
        assert len(after.pieces.keys() - before.pieces.keys()) <= 10
        assert len(after.children) <= 6 * BLOCK


def test_what_is_kept_names_the_same_children() -> None:
    for turn in conversation(90, characters=10):
        taken = take_apart(turn)
        assert detail_children(taken.detail) == taken.children
        for piece in taken.pieces.values():
            assert block_children(piece.kind, piece.body) == piece.children


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_pico_dollars_are_exact_or_absent(cost: Decimal) -> None:
    number = pico(cost)
    assert number is None or Decimal(number) * Decimal("1e-12") == cost


def test_a_detail_of_an_older_version_comes_back_without_what_it_did_not_know() -> None:
    exchange = replace(make_exchange(), session="s", thread=Thread(turn=Turn.NEXT))
    taken = take_apart(exchange)
    document = load_json(taken.detail)
    for name in ("inspected", "classified", "session", "thread", "tool_spans"):
        del document["exchange"][name]
    del document["exchange"]["request"]["tool_results"], document["exchange"]["cost"]["basis"]
    del document["exchange"]["endpoint"]["subscription"]
    bodies = {key: piece.body for key, piece in taken.pieces.items()}
    old = put_together(dump_json(document), lambda keys: {key: bodies[key] for key in keys}, FrameDecoder())
    assert old == replace(exchange, session=None, thread=None)
