"""What a model's process does, seen from within: one bad text costs the others of its batch nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from midwatch_core import Json
from midwatch_core.inference.serving import answers, load
from midwatch_core.inference.speech import Order, TextAnswer, read_answers
from tests.core.inference.backends import CARD, Told


class Given:
    """A model that answers by a function, and remembers the batches."""

    card = CARD

    def __init__(self, run: Callable[[Sequence[str]], Sequence[Json]]) -> None:
        self.batches: list[list[str]] = []
        self._run = run

    def run(self, texts: Sequence[str]) -> Sequence[Json]:
        self.batches.append(list(texts))
        return self._run(texts)


def order(name: str, **options: Json) -> Order:
    return Order(load=name, options=options, path=[], nice=0)


def said(model: Given, texts: list[str]) -> list[TextAnswer]:
    return read_answers(_plain(answers(model, texts)), len(texts))[0]


def _plain(header: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(orjson.dumps(header))
    return document


def length(texts: Sequence[str]) -> list[Json]:
    if "bad" in texts:
        raise ZeroDivisionError("bad")
    return [len(text) for text in texts]


def test_a_batch_is_given_at_once() -> None:
    model = Given(length)
    assert said(model, ["a", "bb"]) == [TextAnswer(value=1), TextAnswer(value=2)]
    assert model.batches == [["a", "bb"]]


def test_a_batch_that_raises_is_given_again_one_by_one() -> None:
    model = Given(length)
    found = said(model, ["a", "bad", "cc"])
    assert found == [TextAnswer(value=1), TextAnswer(error="ZeroDivisionError: bad"), TextAnswer(value=2)]
    assert model.batches == [["a", "bad", "cc"], ["a"], ["bad"], ["cc"]]


def test_a_text_alone_that_raises_is_not_given_again() -> None:
    model = Given(length)
    assert said(model, ["bad"]) == [TextAnswer(error="ZeroDivisionError: bad")]
    assert model.batches == [["bad"]]


@pytest.mark.parametrize("wrong", [[], [1, 2, 3]], ids=["too few", "too many"])
def test_a_wrong_count_is_no_answer(wrong: list[Json]) -> None:
    assert said(Given(lambda texts: wrong), ["a"]) == [TextAnswer(error=f"it gave {len(wrong)} answers to 1 texts")]


def test_answers_that_are_no_list_are_none() -> None:
    (answer,) = said(Given(lambda texts: None), ["a"])  # type: ignore[arg-type, return-value]
    assert "TypeError" in str(answer.error)


def test_a_model_is_loaded_by_name() -> None:
    assert isinstance(load(order("tests.core.inference.backends:load")), Told)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("tests.core.inference.backends:corrupt", "w.onnx: not the weights that are expected"),
        ("tests.core.inference.backends:raises", "OSError: no such device"),
        ("tests.core.inference.backends:cardless", "AttributeError"),
        ("tests.core.inference.backends:nothing", "AttributeError"),
        ("tests.core.inference.no_module:load", "ModuleNotFoundError"),
        ("", "ValueError"),
    ],
)
def test_what_can_not_be_loaded_says_why(name: str, error: str) -> None:
    said = load(order(name, weights="w.onnx"))
    assert isinstance(said, str)
    assert error in said
