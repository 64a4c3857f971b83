"""The journal's frame: what goes in comes out, whatever strangers wrote; what is no frame says so."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.frame import VERSION, FrameDecoder, FrameError, encode, slim
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part, Segment
from midwatch_core.testing.factories import conversation, make_exchange

DECODER = FrameDecoder()
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


def with_parameters(parameters: dict[str, Any], text: str = "") -> Exchange:
    exchange = make_exchange()
    segments = (Segment(part=Part.USER, path="/messages/0/content", text=text, hash="0" * 32),)
    return replace(exchange, request=replace(exchange.request, parameters=parameters, segments=segments))


def test_an_exchange_comes_back_as_it_was() -> None:
    for exchange in (make_exchange(), make_exchange(response=None, cost=None, status=None), *conversation(3)):
        assert DECODER.decode(encode(exchange)) == exchange


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), st.text())
def test_whatever_a_client_wrote_there_is_a_frame_that_can_be_read(parameters: dict[str, Any], text: str) -> None:
    back = DECODER.decode(encode(with_parameters(parameters, text)))
    assert back.request.segments[0].text == text
    assert set(back.request.parameters) == set(parameters)


@pytest.mark.parametrize("odd", [2**64, -(2**70), 10**400])
def test_numbers_above_64_bits_do_not_lose_the_exchange(odd: int) -> None:
    assert DECODER.decode(encode(with_parameters({"seed": odd}))).request.parameters.keys() == {"seed"}


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_do_not_lose_the_exchange(odd: float) -> None:
    for parameters in ({"p": odd}, {"p": odd, "seed": 2**70}):
        assert DECODER.decode(encode(with_parameters(parameters))).request.parameters["p"] is None


def test_a_lone_surrogate_does_not_lose_the_exchange() -> None:
    back = DECODER.decode(encode(with_parameters({"seed": 1}, "half \ud83d of a pair")))
    assert back.request.segments[0].text.startswith("half ")


def test_money_keeps_its_digits() -> None:
    cost = Cost(amount=Decimal("0.123456789012345678901234567890"), source="s")
    assert DECODER.decode(encode(make_exchange(cost=cost))).cost == cost


def test_a_slim_frame_has_everything_but_texts() -> None:
    exchange = make_exchange(messages=(("user", "a long story"),), answer="a short answer")
    thin = slim(encode(exchange))
    assert b"story" not in thin
    assert b"answer" not in thin
    back = DECODER.decode(thin)
    assert (back.id, back.cost, back.timing) == (exchange.id, exchange.cost, exchange.timing)
    assert back.response is not None
    assert exchange.response is not None
    assert back.response.usage == exchange.response.usage
    assert back.decode_error == "texts left out: the disk was full"
    assert [segment.hash for segment in back.request.segments] == [s.hash for s in exchange.request.segments]


def test_a_slim_frame_keeps_an_older_decode_error_and_takes_a_call_without_answer() -> None:
    exchange = make_exchange(response=None)
    exchange = replace(exchange, request=replace(exchange.request, decode_error="cut at byte 7"))
    assert DECODER.decode(slim(encode(exchange))).decode_error == "cut at byte 7"


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (b"", "not a frame"),
        (b"{}", "not a frame"),
        (b"[]", "not a frame"),
        (b"null", "not a frame"),
        (b'{"version": 99, "exchange": {}}', "version 99"),
        (orjson.dumps({"version": VERSION, "exchange": {"id": "x"}}), "not a frame"),
    ],
)
def test_what_is_no_frame_says_so(frame: bytes, says: str) -> None:
    with pytest.raises(FrameError, match=says):
        DECODER.decode(frame)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_frame_error(data: bytes) -> None:
    with pytest.raises(FrameError):
        DECODER.decode(data)


def test_a_document_is_restored() -> None:
    exchange = make_exchange()
    assert DECODER.restore(orjson.loads(encode(exchange))["exchange"]) == exchange
    with pytest.raises(FrameError, match="not an exchange"):
        DECODER.restore({"id": 1})
