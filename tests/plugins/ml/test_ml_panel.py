"""Models in real processes, of the standard library: votes, findings, shadows, drift, what is lost and what is busy."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import MODEL_METRICS, BusyError, Metrics, ModelError, ModelNumbers, Part, PluginError
from midwatch_ml.asking.model import Model
from midwatch_ml.asking.panel import Panel
from midwatch_ml.settings import ModelSettings

WORDS = "tests.plugins.ml.word_model:load"
SLOW = "tests.plugins.ml.word_model:load_slow"
NO_WORDS = "tests.plugins.ml.word_model:load_none"

type MakePanel = Callable[..., Panel]


def settings(**changes: Any) -> ModelSettings:
    return ModelSettings(**{"id": "words", "source": "./words", "threshold": 0.5, **changes})


@pytest.fixture
def metrics() -> Metrics:
    found = Metrics()
    found.declare(MODEL_METRICS)
    return found


@pytest.fixture
async def make(metrics: Metrics, tmp_path: Path) -> AsyncIterator[MakePanel]:
    made: list[Panel] = []

    def panel(*wanted: tuple[ModelSettings, str], expected: Any = None) -> Panel:
        numbers = ModelNumbers(metrics)
        made.append(Panel([Model(one, tmp_path, numbers, expected, load=load) for one, load in wanted], numbers))
        return made[-1]

    yield panel
    for one in made:
        await one.close()


def counted(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {sample.labels: sample.values[0] for sample in metrics.samples({name})}


async def test_a_text_gets_a_vote_and_from_the_threshold_on_a_finding(make: MakePanel) -> None:
    panel = make((settings(), WORDS))
    harmless = await panel.classify("the weather is nice", Part.USER)
    assert [(vote.voter, vote.score) for vote in harmless.votes] == [("words", 0.0)]
    assert harmless.detections == ()
    said = await panel.classify("so: ignore and disregard", Part.USER)
    (found,) = said.detections
    assert (found.rule, found.category, found.start, found.end) == ("ml/words", "prompt_injection", 4, 24)
    assert found.confidence == said.votes[0].score == 0.5
    assert found.message == "words holds it to be an injection (50%)"


async def test_a_text_without_a_word_gets_no_vote(make: MakePanel) -> None:
    assert (await make((settings(), WORDS)).classify(" \n ", Part.USER)).votes == ()


async def test_places_in_a_long_text_are_those_of_the_original(make: MakePanel) -> None:
    panel = make((settings(max_windows=2, window=16, stride=16, threshold=0.001), WORDS))
    text = "word " * 20_000 + "ignore it"
    (found,) = (await panel.classify(text, Part.DOCUMENT)).detections
    assert text[found.start : found.end] == "ignore"
    assert "which were not all read" in found.message


async def test_half_a_surrogate_pair_costs_nothing(make: MakePanel) -> None:
    (vote,) = (await make((settings(), WORDS)).classify("\ud800 ignore", Part.USER)).votes
    assert vote.score == 1.0


async def test_parts_that_no_model_reads_are_not_asked_about(make: MakePanel) -> None:
    panel = make((settings(where=(Part.TOOL_RESULT,)), WORDS))
    assert panel.reads(Part.TOOL_RESULT)
    assert not panel.reads(Part.SYSTEM)
    assert panel.models[0].process.pid is None


async def test_a_shadow_scores_and_is_compared_and_says_nothing(make: MakePanel, metrics: Metrics) -> None:
    panel = make((settings(), WORDS), (settings(id="shadow", shadow=True, threshold=0.1), WORDS))
    said = await panel.classify("ignore a b c", Part.USER)
    assert [vote.voter for vote in said.votes] == ["words"]
    await panel.classify("ignore ignore", Part.USER)
    async with asyncio.timeout(120):
        while sum(counted(metrics, "midwatch_model_shadow_total").values()) < 2:
            await asyncio.sleep(0.01)
    assert counted(metrics, "midwatch_model_shadow_total") == {("shadow", "only_shadow"): 1, ("shadow", "both"): 1}


async def test_a_shadow_that_hangs_holds_nobody_up(make: MakePanel) -> None:
    panel = make((settings(where=(Part.USER, Part.DOCUMENT)), WORDS), (settings(id="shadow", shadow=True), SLOW))
    assert (await panel.classify("ignore", Part.USER)).votes != ()


async def test_a_model_that_cannot_be_had_leaves_the_votes_to_the_others(make: MakePanel) -> None:
    panel = make((settings(id="lost"), NO_WORDS), (settings(), WORDS))
    said = await panel.classify("ignore", Part.USER)
    assert [vote.voter for vote in said.votes] == ["words"]
    assert "there are no words" in str(panel.models[0].report()["problem"])


async def test_where_no_model_can_be_had_the_reason_is_told(make: MakePanel) -> None:
    panel = make((settings(), NO_WORDS))
    with pytest.raises(ModelError, match="there are no words"):
        await panel.classify("ignore", Part.USER)
    assert panel.models[0].is_settled


async def test_nonsense_of_a_model_is_its_fault_and_named(make: MakePanel) -> None:
    with pytest.raises(ModelError, match="model words: a window of its answer is no stretch"):
        await make((settings(), WORDS)).classify("nonsense", Part.USER)


async def test_ten_thousand_texts_at_once_are_answered_or_busy_and_none_is_lost(
    make: MakePanel, metrics: Metrics
) -> None:
    panel = make((settings(), WORDS))
    asked = [panel.classify(f"ignore {number}", Part.USER) for number in range(10_000)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    busy = sum(isinstance(answer, BusyError) for answer in answers)
    answered = sum(not isinstance(answer, BaseException) for answer in answers)
    assert answered + busy == 10_000
    assert answered >= 256
    texts = counted(metrics, "midwatch_model_texts_total")
    assert texts[("words", "answered")] == answered
    assert texts[("words", "busy")] == busy


async def test_a_killed_process_is_replaced_and_only_its_texts_are_lost(make: MakePanel) -> None:
    panel = make((settings(), WORDS))
    await panel.classify("ignore", Part.USER)
    pid = panel.models[0].process.pid
    assert pid is not None
    asked = [asyncio.create_task(panel.classify(f"hang {number}", Part.USER)) for number in range(4)]
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, PluginError) for answer in answers)
    async with asyncio.timeout(120):
        assert (await panel.classify("ignore", Part.USER)).votes[0].score == 1.0
    assert panel.models[0].process.pid not in (None, pid)


async def test_drift_is_told_from_two_hundred_scores_on(make: MakePanel, metrics: Metrics) -> None:
    panel = make((settings(), WORDS), expected=[1.0] + [0.0] * 9)
    for number in range(199):
        await panel.classify(f"ignore {number}", Part.USER)
    assert panel.models[0].report()["drift"] is None
    await panel.classify("ignore", Part.USER)
    drift = counted(metrics, "midwatch_model_drift")[("words",)]
    assert drift > 0.25
    assert panel.models[0].report()["drift"] == pytest.approx(drift, abs=1e-4)


async def test_a_renewed_panel_keeps_what_is_as_it_was_and_ends_the_others(make: MakePanel, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    panel = make((settings(), WORDS), (settings(id="old"), WORDS))
    await panel.classify("ignore", Part.USER)
    kept, old = panel.models
    assert kept.is_fresh
    fresh = panel.renewed([kept])
    await fresh.close()
    assert old.process.pid is None
    with pytest.raises(PluginError, match="is closed"):
        await panel.classify("ignore", Part.USER)
    (tmp_path / "words" / "model.onnx").write_bytes(b"other weights")
    assert not kept.is_fresh
