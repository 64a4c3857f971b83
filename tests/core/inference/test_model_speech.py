"""What a model's process and its owner say: any text arrives as it was, and nonsense is told from answers."""

from tempfile import TemporaryFile
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import ModelCard
from midwatch_core.children import frames
from midwatch_core.inference.speech import (
    LONGEST_VALUE_BYTES,
    NoAnswerError,
    Order,
    TextAnswer,
    answer_header,
    batch_frame,
    longest_answer_bytes,
    plain,
    read_answers,
    read_batch,
)

_ANY_TEXT = st.text(st.characters(), max_size=20)


def arrived(frame: bytes) -> tuple[dict[str, Any], bytes]:
    with TemporaryFile() as file:
        file.write(frame)
        file.seek(0)
        found = frames.read(file.fileno())
    assert found is not None
    return found


@given(st.lists(_ANY_TEXT, max_size=5))
def test_texts_arrive_as_they_were(texts: list[str]) -> None:
    assert read_batch(*arrived(batch_frame(texts))) == texts


def test_an_order_arrives_as_it_was() -> None:
    order = Order(load="a.b:c", options={"windows": [1, 2]}, path=["", "/lib"], nice=3)
    assert Order.read(arrived(order.frame())[0]) == order


def told(answers: list[TextAnswer]) -> list[TextAnswer]:
    frame = frames.pack(answer_header(answers, 0.5))
    assert len(frame) < longest_answer_bytes(len(answers))
    found, seconds = read_answers(arrived(frame)[0], len(answers))
    assert seconds == 0.5
    return found


def test_answers_arrive_as_they_were() -> None:
    answers = [TextAnswer(value={"windows": [[0, 5, 0.25]]}), TextAnswer(error="no"), TextAnswer(value=None)]
    assert told(answers) == answers


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(TextAnswer(value="x" * LONGEST_VALUE_BYTES), "bytes, more than", id="too long"),
        pytest.param(TextAnswer(value=b"raw"), "no JSON", id="no JSON"),  # type: ignore[arg-type]
        pytest.param(TextAnswer(value="\ud800"), "no JSON", id="half a pair"),
        pytest.param(TextAnswer(error="\ud800" * 9_999), "?", id="an error that could not be told"),
    ],
)
def test_an_answer_that_can_not_be_told_costs_its_text_alone(answer: TextAnswer, error: str) -> None:
    first, second = told([answer, TextAnswer(value=1)])
    assert error in str(first.error)
    assert second == TextAnswer(value=1)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"answers": [], "seconds": 1.0},
        {"answers": [{"value": 1}], "seconds": 1.0},
        {"answers": [{"value": 1}, 2], "seconds": 1.0},
        {"answers": [{"value": 1}, {"value": 2}], "seconds": "1"},
        {"answers": {"0": 1, "1": 2}, "seconds": 1.0},
    ],
    ids=orjson.dumps,
)
def test_nonsense_is_no_answer(header: dict[str, Any]) -> None:
    with pytest.raises(NoAnswerError):
        read_answers(header, 2)


def test_plain_words_are_short_and_can_be_written() -> None:
    assert plain("a\ud800" * 9_999).encode() == b"a?" * 250


def test_a_card_arrives_as_it_was() -> None:
    card = ModelCard(name="m", backend="b", revision="r", checksum="c", labels=("x", "y"), facts={"bits": 8})
    assert ModelCard.read(orjson.loads(orjson.dumps(card.document()))) == card


@pytest.mark.parametrize("document", [None, [], "x", {}, {"name": "m"}], ids=repr)
def test_what_is_no_card(document: Any) -> None:
    with pytest.raises(ValueError, match="no card"):
        ModelCard.read(document)
