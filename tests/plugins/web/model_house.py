"""Numbers of models as two processes would have them: one that acts and does well, a shadow, one that failed."""

import math

from midwatch_core.host import Health
from midwatch_core.inference.card import ModelCard
from midwatch_core.inference.numbers import METRICS, ModelNumbers, TextOutcome
from midwatch_core.inference.state import ModelState
from midwatch_core.metrics import Metrics, Sample, summed
from midwatch_core.model.content import Json
from tests.plugins.web.conftest import House

CARD = ModelCard(
    name="defender",
    backend="onnx",
    revision="minilm-multihead-v5",
    checksum="c0ffee" * 10 + "beef",
    labels=("benign", "injection"),
)
EXPECTED = (0.62, 0.14, 0.06, 0.04, 0.03, 0.02, 0.02, 0.02, 0.02, 0.03)
PROBLEM = "models/own: model.onnx is not there; put the weights beside tokenizer.json"


def samples() -> list[Sample]:
    """What both processes have counted, as control has it."""
    return summed([_control().samples(), _worker().samples()], {spec.name: spec for spec in METRICS})


def health() -> Health:
    """As a plugin in control tells of its models."""
    facts: dict[str, Json] = {
        "ready": True,
        "models": {
            "defender": {
                "state": "ready",
                "card": CARD.document(),
                "shadow": False,
                "threshold": 0.95,
                "expected": list(EXPECTED),
            },
            "candidate": {"state": "loading", "shadow": True},
            "<b>own</b>": {"state": "failed", "problem": PROBLEM, "shadow": False},
        },
    }
    return Health(started=True, ready=True, parts={"store": "fine", "plugins": {"ml": facts}})


def fill(house: House) -> None:
    """Give a house all this."""
    house.health = health()
    house.metrics.declare(METRICS)
    house.told = samples()


def count(numbers: ModelNumbers) -> None:
    """What a process counts whose model has answered some texts, beside a shadow."""
    numbers.loaded("defender", CARD)
    numbers.stands("defender", ModelState.READY)
    numbers.resident("defender", 98_000_000)
    for step in range(400):
        score = (math.sin(step) / 2 + 0.5) ** 6
        numbers.scored("defender", score)
        numbers.told("defender", TextOutcome.ANSWERED)
        numbers.waited("defender", 0.0015)
        numbers.shadow("candidate", shadow=score > 0.4, acting=score > 0.5)
    for texts in (1, 2, 4, 16):
        numbers.ran("defender", texts, texts * 0.031)
    numbers.told("defender", TextOutcome.CAPPED)
    numbers.told("defender", TextOutcome.LATE)
    numbers.drift("defender", 0.07)


def _worker() -> Metrics:
    metrics = Metrics()
    count(ModelNumbers(metrics))
    return metrics


def _control() -> Metrics:
    metrics = Metrics()
    numbers = ModelNumbers(metrics)
    numbers.loaded("defender", CARD)
    numbers.stands("defender", ModelState.READY)
    numbers.resident("defender", 102_000_000)
    numbers.waiting("defender", 3)
    numbers.lost("defender", "hang")
    numbers.drift("defender", 0.18)
    numbers.stands("<b>own</b>", ModelState.LOADING)
    numbers.stands("<b>own</b>", ModelState.FAILED)
    numbers.told("<b>own</b>", TextOutcome.FAILED)
    return metrics
