"""Sealing: keyed hashes scoped by tenant, and a skeleton in which no text and no long string is left."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.sealing import Sealer, skeleton
from midwatch_core.wire.decoding import DecodedRequest, DecodedResponse

KEY = b"k" * 32
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def segment(path: str, text: str) -> Segment:
    return Segment(part=Part.USER, path=path, text=text, hash=f"hash of {path}")


@given(st.text())
def test_a_hash_is_the_same_for_the_same_text_tenant_and_key_alone(text: str) -> None:
    hashed = Sealer(KEY, "a").hash(text)
    assert len(hashed) == 32
    assert hashed == Sealer(KEY, "a").hash(text)
    assert hashed not in {Sealer(KEY, "b").hash(text), Sealer(b"other", "a").hash(text)}


def test_what_utf_8_cannot_say_is_hashed_too() -> None:
    assert Sealer(KEY, "a").hash("\ud800 alone") == Sealer(KEY, "a").hash("? alone")


@pytest.mark.parametrize("size", [0, 1, 64, 200])
def test_keys_of_any_length_serve(size: int) -> None:
    assert Sealer(b"x" * size, "a").hash("text")


def test_texts_go_out_and_the_rest_stays() -> None:
    document: Json = {"model": "m", "messages": [{"role": "user", "content": "secret"}], "a/b": {"c~d": "secret too"}}
    bare = skeleton(document, [segment("/messages/0/content", "secret"), segment("/a~1b/c~0d", "secret too")])
    assert bare == {
        "model": "m",
        "messages": [{"role": "user", "content": {"$text": "hash of /messages/0/content"}}],
        "a/b": {"c~d": {"$text": "hash of /a~1b/c~0d"}},
    }


def test_a_segment_may_be_an_object_of_the_body() -> None:
    assert skeleton({"arguments": {"city": "Lisbon"}}, [segment("/arguments", '{"city":"Lisbon"}')]) == {
        "arguments": {"$text": "hash of /arguments"}
    }


@pytest.mark.parametrize(
    ("value", "bare"),
    [
        ("s" * 256, "s" * 256),
        ("s" * 257, {"$omitted": 257}),
        ([0.5] * 256, [0.5] * 256),
        ([0.5] * 1536, {"$omitted": 1536}),
        ([], []),
        ({}, {}),
        (None, None),
        (12, 12),
    ],
)
def test_what_is_long_and_no_segment_is_kept_by_its_size(value: Json, bare: Json) -> None:
    assert skeleton({"x": value}, []) == {"x": bare}


def test_depth_is_bounded() -> None:
    deep: Json = "end"
    for _ in range(5000):
        deep = [deep]
    assert len(orjson.dumps(skeleton(deep, []))) < 500


@given(JSON)
def test_a_skeleton_can_be_written_and_is_the_document_where_nothing_is_long(document: Json) -> None:
    bare = skeleton(document, [])
    assert orjson.loads(orjson.dumps(bare)) == orjson.loads(orjson.dumps(document))


def test_request_and_response_are_sealed() -> None:
    sealer = Sealer(KEY, "t")
    request = Request(operation=Operation.CHAT, segments=(Segment(part=Part.USER, path="/p", text="hello"),))
    sealed = sealer.request(DecodedRequest(request=request, document={"p": "hello"}))
    assert sealed.segments[0].hash == sealer.hash("hello")
    assert sealed.body == {"p": {"$text": sealer.hash("hello")}}
    streamed = sealer.response(DecodedResponse(response=Response(segments=request.segments), document=None))
    assert (streamed.segments[0].hash, streamed.body) == (sealer.hash("hello"), None)
