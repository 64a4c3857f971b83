"""The review with models: they are asked about what no worker heard them on, and waited for so long and no longer."""

from dataclasses import replace

import pytest

from midwatch_core import Detection, Part, Severity, Text, hookimpl
from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from midwatch_core.policy import Policy
from midwatch_core.reviewing import METRICS, Reviewer
from midwatch_core.testing.factories import make_exchange
from tests.core.models import Thinks, Weighs

LONG_S = 20.0
SHORT_S = 0.01
BOTH = (Direction.REQUEST, Direction.RESPONSE)
OBSERVE = "{id: all, then: flag}"


class Suspects:
    """A rule that is not sure of itself."""

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        at = text.original.find("word")
        found = Detection(
            rule="t/word",
            category="prompt_injection",
            severity=Severity.LOW,
            confidence=0.3,
            message="m",
            start=at,
            end=at + 4,
        )
        return [found] if at >= 0 else []


def reviewer(*plugins: object, line: str = OBSERVE) -> tuple[Reviewer, Metrics]:
    made = Plugins()
    for number, plugin in enumerate(plugins):
        made.add(f"d{number}", lambda plugin=plugin: plugin)  # type: ignore[misc]
    made.activate({})
    metrics = Metrics()
    metrics.declare(METRICS)
    policy = Policy.load(f"policy: {{id: p}}\nlines: [{line}]\n".encode(), "p")
    return Reviewer(Engine(made), policy, b"key", SystemClock(), metrics), metrics


async def reviewed(made: Reviewer, exchange: Exchange, patience_s: float = LONG_S) -> Exchange:
    return await made.review(exchange, made.ask(exchange, patience_s))


def evil(**more: object) -> Exchange:
    return make_exchange(messages=(("user", "an evil word"),), answer="Paris.", **more)  # type: ignore[arg-type]


async def test_what_models_say_is_in_the_record() -> None:
    made, _ = reviewer(Thinks(ready=True))
    kept = await reviewed(made, evil())
    assert [(item.rule, item.direction) for item in kept.findings] == [("ml/prompt_injection", Direction.REQUEST)]
    assert [item.action for item in kept.verdicts] == [Action.FLAG]


async def test_a_value_that_only_a_model_knows_is_masked() -> None:
    made, _ = reviewer(Thinks(word="Jane Roe", category="pii", kind="PERSON", ready=True))
    exchange = make_exchange(messages=(("user", "I am Jane Roe"),), answer="Hi.")
    assert "Jane Roe" not in repr(await reviewed(made, exchange))


async def test_answers_of_tools_are_asked_about_too() -> None:
    model = Thinks(ready=True)
    made, _ = reviewer(model)
    exchange = make_exchange(messages=(("system", "x"),), answer="an evil word")
    assert exchange.response is not None
    brought = tuple(replace(item, part=Part.TOOL_RESULT) for item in exchange.response.segments)
    exchange = replace(exchange, response=replace(exchange.response, segments=brought))
    assert [item.direction for item in (await reviewed(made, exchange)).findings] == [Direction.RESPONSE]


async def test_what_a_worker_has_heard_is_not_asked_again() -> None:
    model = Thinks(ready=True)
    made, _ = reviewer(model)
    kept = await reviewed(made, evil(inspected=BOTH, classified=BOTH))
    assert (model.asked, kept.findings) == ([], ())


async def test_a_model_that_is_late_is_named_and_counted() -> None:
    made, metrics = reviewer(Thinks())
    kept = await reviewed(made, evil(), SHORT_S)
    assert [item.reason for item in kept.verdicts] == ["detectors failed: d0"]
    (counted,) = metrics.samples({"midwatch_inspection_failures_total"})
    assert (counted.labels, counted.values) == (("d0",), (1,))


async def test_a_text_that_a_worker_has_masked_is_another_one() -> None:
    """Its hash is still that of what was said; a model's spans in one are none in the other."""
    model = Thinks(ready=True)
    made, _ = reviewer(model)
    said = make_exchange(messages=(("user", "I am bob@example.org, evil"),))
    await reviewed(made, said)
    (segment,) = said.request.segments
    masked = replace(segment, text="I am <EMAIL_k3f9>, evil")
    kept = await reviewed(
        made, replace(said, request=replace(said.request, segments=(masked,)), inspected=(Direction.REQUEST,))
    )
    assert [(item.start, item.end) for item in kept.findings] == [(19, 23)]
    assert len(model.asked) == 2
    other = replace(said, identity=replace(said.identity, tenant="other"))
    await reviewed(made, replace(other, request=replace(said.request, segments=(masked,)), inspected=BOTH))
    assert len(model.asked) == 3


@pytest.mark.parametrize("heard", [False, True], ids=["late votes", "no votes"])
async def test_votes_that_come_now_make_a_worker_s_finding_surer(heard: bool) -> None:
    """Where a worker heard the models, what it made of them stays: there is nothing to weigh it by any more."""
    made, _ = reviewer(
        Suspects(), Weighs(), Thinks(ready=True), line="{id: s, when: {confidence_at_least: 0.8}, then: block}"
    )
    first, _ = reviewer(Suspects())
    found = await first.review(evil())
    exchange = replace(found, inspected=(Direction.REQUEST,), verdicts=(), classified=BOTH if heard else ())
    kept = await reviewed(made, exchange)
    sure = {item.rule: item.confidence for item in kept.findings}
    if heard:
        assert (sure, kept.verdicts) == ({"t/word": 0.3}, ())
    else:
        assert sure == {"t/word": 1.0, "all/injection": 0.9, "ml/prompt_injection": 0.9}
        assert [(item.action, item.reason) for item in kept.verdicts] == [(Action.FLAG, "block: seen too late")]
        assert len(kept.verdicts[0].findings) == 3
