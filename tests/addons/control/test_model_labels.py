"""Which models metrics name: those that a provider answered for, a bounded number of them."""

from dataclasses import replace

from midwatch.control.model_labels import NONE, ModelLabels
from midwatch_core.model.content import ProviderError
from midwatch_core.model.exchange import Exchange
from midwatch_core.testing.factories import make_exchange


def without_model() -> Exchange:
    call = make_exchange()
    return replace(call, request=replace(call.request, model=None), response=None)


def test_a_model_has_its_name_from_its_first_answer_on() -> None:
    labels = ModelLabels()
    assert labels.label(make_exchange(model="gpt-5", status=404)) == "other"
    assert labels.label(make_exchange(model="gpt-5", response=None)) == "other"
    assert labels.label(make_exchange(model="gpt-5")) == "gpt-5"
    assert labels.label(make_exchange(model="gpt-5", status=404)) == "gpt-5"


def test_an_error_that_came_with_a_good_status_is_no_answer() -> None:
    call = make_exchange(model="gpt-5")
    assert call.response is not None
    failed = replace(call, response=replace(call.response, error=ProviderError(type="x", message="no")))
    assert ModelLabels().label(failed) == "other"


def test_names_are_bounded_and_the_first_are_kept() -> None:
    labels = ModelLabels(most=3)
    assert [labels.label(make_exchange(model=f"m{number}")) for number in range(5)] == [
        "m0",
        "m1",
        "m2",
        *["other"] * 2,
    ]
    assert labels.label(make_exchange(model="m1")) == "m1"


def test_a_call_about_no_model_says_so() -> None:
    assert ModelLabels().label(without_model()) == NONE
