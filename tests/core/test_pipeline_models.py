"""The pipeline with models: a batch's texts are asked about at once, and it waits for so long and no longer."""

import asyncio
from dataclasses import replace

import pytest

from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.frame import encode
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import METRICS, Pace, Pipeline
from midwatch_core.policy import Policy
from midwatch_core.ports import Scope
from midwatch_core.reviewing import METRICS as REVIEWING
from midwatch_core.reviewing import Reviewer
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.traces import MemoryTraces
from tests.core.models import Thinks
from tests.core.test_pipeline import PATIENCE, Shelf

PACE = Pace(batch_frames=10, idle_s=0.001, models_s=120.0, models_behind_s=0.001)
POLICY = Policy.load(b"policy: {id: p}\nlines: [{id: all, then: flag}]\n", "p")


class Line:
    """A pipeline with a model."""

    def __init__(self, model: Thinks, pace: Pace = PACE) -> None:
        plugins = Plugins()
        plugins.add("thinks", lambda: model)
        plugins.activate({})
        metrics = Metrics()
        metrics.declare((*METRICS, *REVIEWING))
        self.shelf = Shelf()
        self.traces = MemoryTraces()
        self.stopping = asyncio.Event()
        self.pipeline = Pipeline(
            self.shelf,
            self.traces,
            plugins,
            metrics,
            stored=lambda exchanges: None,
            reviewer=Reviewer(Engine(plugins), POLICY, b"key", SystemClock(), metrics),
            pace=pace,
            patience=PATIENCE,
        )

    async def take(self, *texts: str) -> list[Exchange]:
        """These calls, as they are kept when the journal is empty."""
        sent = [make_exchange(messages=(("user", text),), answer="Paris.") for text in texts]
        await self.traces.start()
        self.shelf.add(*(encode(exchange) for exchange in sent))
        self.stopping.set()
        async with asyncio.timeout(120):
            await self.pipeline.run(self.stopping)
        kept = [await self.traces.get(Scope(), exchange.id) for exchange in sent]
        assert None not in kept
        return [exchange for exchange in kept if exchange is not None]


async def test_a_batch_is_asked_about_at_once_and_waited_for() -> None:
    """The model speaks when it has seen all of the batch: were it asked one by one, nothing would come in time."""
    model = Thinks()
    line = Line(model)

    async def speaks_when_asked_all() -> None:
        while len(model.asked) < 5:
            await asyncio.sleep(0.001)
        model.may.set()

    speaking = asyncio.create_task(speaks_when_asked_all())
    kept = await line.take(*(f"evil {number}" for number in range(5)))
    await speaking
    assert [[item.rule for item in exchange.findings] for exchange in kept] == [["ml/prompt_injection"]] * 5


async def test_a_model_that_never_answers_holds_nothing_up() -> None:
    """The last batch waits a little for it, and those that have more behind them hardly at all."""
    line = Line(Thinks(), replace(PACE, models_s=0.01))
    kept = await line.take(*(f"evil {number}" for number in range(25)))
    reasons = [[item.reason for item in exchange.verdicts] for exchange in kept]
    assert reasons == [["detectors failed: thinks"]] * 25
    assert line.shelf.acknowledged == list(range(1, 26))


@pytest.mark.parametrize("bad", [b"no frame", b"{}"])
async def test_a_frame_that_can_not_be_read_goes_aside_alone(bad: bytes) -> None:
    line = Line(Thinks(ready=True))
    line.shelf.add(bad)
    (kept,) = await line.take("evil")
    assert [item.rule for item in kept.findings] == ["ml/prompt_injection"]
    assert [number for number, _ in line.shelf.dead] == [1]
