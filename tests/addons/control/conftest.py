"""Control without its process: a door on a socket, with all that it opens to."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from midwatch.control.administering import administer
from midwatch.control.door import Door
from midwatch.control.forgetting import Forgetting
from midwatch.control.live import Live
from midwatch.control.pinned import PinnedRoom
from midwatch.control.policy_versions import policy_versions
from midwatch.control.reloading import Reloaded
from midwatch.control.report_answers import answer_report
from midwatch.control.report_desk import Desk
from midwatch.control.sightings import SightingStore
from midwatch.control.spent import Spent
from midwatch.control.tally import Tally
from midwatch.home import Home
from midwatch.lines import LineClient
from midwatch_core.access.administering import Administration
from midwatch_core.clock import SystemClock
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.queries import Queries
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces

CALLS = MetricSpec(name="calls_total", kind=MetricKind.COUNTER, help="Calls")


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.002)


@dataclass
class Control:
    path: Path
    live: Live = field(default_factory=Live)
    metrics: Metrics = field(default_factory=Metrics)
    traces: MemoryTraces = field(default_factory=MemoryTraces)
    metadata: MemoryMetadata = field(default_factory=MemoryMetadata)
    reloads: int = 0
    stamp: int = 0

    def __post_init__(self) -> None:
        self.metrics.declare([CALLS])
        self.tally = Tally(self.metrics)
        self.administration = Administration(self.metadata, SystemClock(), configured=lambda: ())
        self.client = LineClient(self.path)
        self.sightings = SightingStore(self.metadata)
        self.pinned = PinnedRoom(self.home, SystemClock(), self._tell_pinned)
        self.reports = Desk(self.metadata, SystemClock(), self.home.pending_reports)
        self.door = self.new_door()

    @property
    def home(self) -> Home:
        """A home beside the socket, or that the socket is in."""
        root = self.path.parent.parent if self.path.parent.name == "run" else self.path.parent
        (root / "run").mkdir(exist_ok=True)
        return Home(root)

    def new_door(self) -> Door:
        queries = Queries(traces=self.traces, metadata=self.metadata)
        return Door(
            queries=queries,
            live=self.live,
            tally=self.tally,
            caught_up=self._caught_up,
            reload=self._reload,
            status=lambda: {"ready": True},
            stamp=lambda: self.stamp,
            administer=partial(administer, self.administration),
            forget=Forgetting(
                queries=queries, metadata=self.metadata, clock=SystemClock(), caught_up=self._caught_up
            ).answer,
            spent=Spent(traces=self.traces, caught_up=self._caught_up).answer,
            policies=partial(policy_versions, self.metadata, in_use="observe"),
            sighted=self.sightings.take,
            pinned=self.pinned.take,
            unpin=self.pinned.answer,
            reports=partial(answer_report, self.reports),
        )

    async def _tell_pinned(self) -> None:
        await self.door.tell_workers({"op": "pinned"})

    async def _caught_up(self, timeout_s: float) -> bool:
        return timeout_s > 0

    async def _reload(self, restart: bool) -> Reloaded:
        self.reloads += 1
        return Reloaded(problems=("bad",) if restart else (), stamp=7)


@asynccontextmanager
async def open_control() -> AsyncIterator[Control]:
    with tempfile.TemporaryDirectory(prefix="mw") as folder:  # a socket's path must be short
        made = Control(Path(folder) / "control.sock")
        await made.traces.start()
        await made.metadata.start()
        await made.traces.put([make_exchange()])
        await made.door.start(made.path)
        yield made
        await made.door.close()


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    async with open_control() as made:
        yield made
