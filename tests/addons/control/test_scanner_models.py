"""Scanning for anybody, with models: asked about all texts of one go at once, weighed, and named where they fail."""

import asyncio

import pytest

from midwatch.control.intake.scanning import PolicyScanner
from midwatch_core.access.caller import LOCAL
from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Part
from midwatch_core.policy import Policy
from midwatch_core.reviewing import Reviewer
from tests.core.models import BUSY, Thinks, Weighs


def scanner(*plugins: object, line: str = "{id: stop, when: {rule: ml/*}, then: block}") -> PolicyScanner:
    made = Plugins()
    for number, plugin in enumerate(plugins):
        made.add(f"d{number}", lambda plugin=plugin: plugin)  # type: ignore[misc]
    made.activate({})
    policy = Policy.load(f"policy: {{id: p}}\nlines: [{line}, {{id: all, then: flag}}]\n".encode(), "p")
    reviewer = Reviewer(Engine(made), policy, b"key", SystemClock(), Metrics())
    return PolicyScanner(reviewer, SystemClock(), default="default")


async def test_models_are_asked_about_all_texts_at_once() -> None:
    model = Thinks()
    scanning = asyncio.create_task(scanner(model).scan(LOCAL, [(f"evil {n}", Part.USER) for n in range(5)]))
    async with asyncio.timeout(60):
        while len(model.asked) < 5:
            await asyncio.sleep(0.001)
    model.may.set()
    told = await scanning
    assert [(item.score, item.action, item.failures) for item in told] == [(0.9, Action.BLOCK, ())] * 5


async def test_the_score_is_the_ensemble_s() -> None:
    (evil, good) = await scanner(Weighs(), Thinks(ready=True)).scan(LOCAL, [("evil", Part.USER), ("x", Part.USER)])
    assert (evil.score, good.score) == (0.9, 0.1)


async def test_a_model_that_can_not_say_is_named() -> None:
    model = Thinks(ready=True)
    model.fails = BUSY
    (told,) = await scanner(model).scan(LOCAL, [("evil", Part.USER)])
    assert (told.findings, told.failures, told.action) == ((), ("d0",), Action.ALLOW)


@pytest.mark.parametrize(("models", "action"), [("beside", Action.ALLOW), ("inline", Action.BLOCK)])
async def test_only_a_line_that_waits_for_models_blocks_for_want_of_one(models: str, action: Action) -> None:
    model = Thinks(ready=True)
    model.fails = BUSY
    made = scanner(model, line=f"{{id: stop, then: block, on_failure: block, models: {models}}}")
    (told,) = await made.scan(LOCAL, [("evil", Part.USER)])
    assert told.action is action
