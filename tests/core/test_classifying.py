"""Asking models: each text once, however many want to know, and nobody waits longer than they like."""

import asyncio

import pytest

from midwatch_core import Detection, Part, Segment, Text, hookimpl
from midwatch_core.breaker import BreakerState
from midwatch_core.engine import Engine
from midwatch_core.hosting import Plugins
from midwatch_core.model.segment import Direction
from tests.core.models import BUSY, Thinks

LONG_S = 120.0
SHORT_S = 0.1


class House:
    """An engine with these models."""

    def __init__(self, *models: object) -> None:
        self.plugins = Plugins()
        for number, model in enumerate(models):
            self.plugins.add(f"d{number}", lambda model=model: model)  # type: ignore[misc]
        self.plugins.activate({})
        self.engine = Engine(self.plugins)


def text(words: str, *, part: Part = Part.USER, named: bool = True) -> Segment:
    return Segment(part=part, path=f"/{words[:9]}", text=words, hash=f"h:{words[:40]}" if named else "")


async def test_a_text_is_asked_about_once_by_all_who_want_to_know() -> None:
    model = Thinks()
    engine = House(model).engine
    first, second = (engine.classify([text("an evil word")], Direction.REQUEST) for _ in range(2))
    assert (first.done, second.done) == (False, False)
    model.may.set()
    for one in (first, second, engine.classify([text("an evil word")], Direction.REQUEST)):
        seen = await one.wait(LONG_S)
        (finding,), (vote,) = seen.findings, seen.votes
        assert (finding.rule, finding.path, finding.start, finding.end) == ("ml/prompt_injection", "/an evil w", 3, 7)
        assert (vote.path, vote.part, vote.vote.score) == ("/an evil w", Part.USER, 0.9)
        assert seen.failures == ()
    assert model.asked == ["an evil word"]


async def test_who_is_late_is_a_failure_and_what_comes_then_is_remembered() -> None:
    model = Thinks()
    engine = House(model).engine
    asked = engine.classify([text("evil")], Direction.REQUEST)
    assert (await asked.wait(SHORT_S)).failures == ("d0",)
    model.may.set()
    assert len((await asked.wait(LONG_S)).findings) == 1
    again = engine.classify([text("evil")], Direction.REQUEST)
    assert again.done
    assert len(again.seen().findings) == 1
    assert model.asked == ["evil"]


async def test_a_text_without_a_name_is_not_remembered() -> None:
    model = Thinks(ready=True)
    engine = House(model).engine
    for _ in range(2):
        assert (await engine.classify([text("evil", named=False)], Direction.REQUEST).wait(LONG_S)).findings
    assert model.asked == ["evil", "evil"]


async def test_what_is_not_a_model_s_business_is_known_at_once() -> None:
    engine = House(Thinks()).engine
    asked = engine.classify([text("evil", part=Part.SYSTEM), text("")], Direction.REQUEST)
    assert asked.done
    assert (asked.seen().findings, asked.seen().failures) == ((), ())


async def test_who_is_busy_has_not_failed_and_is_asked_again() -> None:
    model = Thinks(ready=True)
    house = House(model)
    model.fails = BUSY
    for number in range(20):
        assert (await house.engine.classify([text(f"{number}")], Direction.REQUEST).wait(LONG_S)).failures == ("d0",)
    assert house.plugins.breaker_state("d0") is BreakerState.CLOSED
    model.fails = None
    assert (await house.engine.classify([text("evil 0")], Direction.REQUEST).wait(LONG_S)).findings


async def test_who_fails_is_left_alone_after_a_while_and_nobody_waits_for_it() -> None:
    model = Thinks(ready=True)
    house = House(model)
    model.fails = RuntimeError("no")
    for number in range(20):
        await house.engine.classify([text(f"{number}")], Direction.REQUEST).wait(LONG_S)
    assert house.plugins.breaker_state("d0") is BreakerState.OPEN
    assert len(model.asked) < 20
    asked = house.engine.classify([text("more")], Direction.REQUEST)
    assert (asked.done, asked.seen().failures) == (True, ("d0",))


class Sees(Thinks):
    """One that has patterns too."""

    @hookimpl
    def inspect_text(self, text: Text) -> list[Detection]:
        at = text.original.find("evil")
        return [] if at < 0 else [self._detection(at)]


async def test_the_patterns_of_a_plugin_go_on_without_its_model() -> None:
    model = Sees(ready=True)
    house = House(model)
    model.fails = RuntimeError("no")
    for number in range(20):
        await house.engine.classify([text(f"{number}")], Direction.REQUEST).wait(LONG_S)
    seen = await house.engine.inspect_texts([text("evil")], Direction.REQUEST)
    assert (len(seen.findings), seen.failures) == (1, ())
    assert house.plugins.breaker_state("d0") is BreakerState.OPEN


async def test_of_one_call_so_many_texts_are_begun_the_last_first() -> None:
    model = Thinks(ready=True)
    engine = House(model).engine
    segments = [text(f"{number} evil") for number in range(500)]
    for begun in (200, 400, 500):
        seen = await engine.classify(segments, Direction.REQUEST).wait(LONG_S)
        assert len(seen.findings) == begun
        assert seen.failures == (() if begun == 500 else ("d0",))
    assert model.asked[:2] == ["499 evil", "498 evil"]


@pytest.mark.parametrize(
    ("size", "calls", "begun"), [(10, 8, 1000), (1_000_000, 1, 32)], ids=["as many texts", "as many characters"]
)
async def test_no_more_is_under_way_than_may_be(size: int, calls: int, begun: int) -> None:
    model = Thinks()
    engine = House(model).engine
    filling = "x" * size
    made = [
        engine.classify([text(f"{call}/{number}/{filling}") for number in range(200)], Direction.REQUEST)
        for call in range(calls)
    ]
    assert len(model.asked) == begun
    model.may.set()
    for one in made:
        await one.wait(LONG_S)
    await engine.classify([text("and one more")], Direction.REQUEST).wait(LONG_S)
    assert len(model.asked) == begun + 1


async def test_after_a_reload_texts_are_new_also_those_under_way() -> None:
    model = Thinks()
    engine = House(model).engine
    asked = engine.classify([text("evil")], Direction.REQUEST)
    engine.forget()
    model.may.set()
    assert (await asked.wait(LONG_S)).findings
    assert (await engine.classify([text("evil")], Direction.REQUEST).wait(LONG_S)).findings
    assert model.asked == ["evil", "evil"]


async def test_it_is_told_each_time_that_one_has_come() -> None:
    quick, slow = Thinks(), Thinks()
    told: list[bool] = []
    asked = House(quick, slow).engine.classify([text("one")], Direction.REQUEST)
    asked.when_more(lambda: told.append(asked.done))
    await asyncio.sleep(0)
    for model in (quick, slow):
        model.may.set()
        for _ in range(20):
            await asyncio.sleep(0)
    assert told == [False, True]


async def test_several_models_each_have_their_say() -> None:
    quick, slow = Thinks(ready=True), Thinks(word="other")
    engine = House(quick, slow).engine
    asked = engine.classify([text("evil and other")], Direction.REQUEST)
    seen = await asked.wait(SHORT_S)
    assert ([item.plugin for item in seen.findings], seen.failures) == (["d0"], ("d1",))
    slow.may.set()
    assert {item.plugin for item in (await asked.wait(LONG_S)).findings} == {"d0", "d1"}


async def test_without_a_model_nothing_is_asked() -> None:
    engine = House().engine
    assert not engine.has_models
    assert engine.classify([text("evil")], Direction.REQUEST).done


async def test_a_scan_that_waits_has_what_models_say() -> None:
    engine = House(Thinks(ready=True)).engine
    assert engine.has_models
    assert engine.scan("evil").findings == ()
    scan = await engine.scan_waiting("evil")
    assert (len(scan.findings), scan.score, scan.failures) == (1, 0.9, ())
    late = await House(Thinks()).engine.scan_waiting("evil", patience_s=SHORT_S)
    assert (late.findings, late.failures) == ((), ("d0",))


async def test_to_warm_up_is_to_ask_models_too() -> None:
    model = Thinks(ready=True)
    House(model).engine.warm()
    assert len(model.asked) == len(Part) - 2  # it gives nothing for two of them
