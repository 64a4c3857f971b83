"""The host: what a plugin may ask for. It is handed to `startup`; nothing else of Midwatch is a plugin's business."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from midwatch_core.access.administering import Administration
from midwatch_core.access.caller import Access
from midwatch_core.alert_desk import AlertDesk
from midwatch_core.clock import Clock, SystemClock
from midwatch_core.contributions import Resource
from midwatch_core.installation import Installation
from midwatch_core.intake import Intake
from midwatch_core.listing import ExchangeRow
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.model.content import Json
from midwatch_core.policy_desk import PolicyDesk
from midwatch_core.ports import CacheLayer
from midwatch_core.queries import Queries
from midwatch_core.report_desk import ReportDesk
from midwatch_core.scanning import Scanner
from midwatch_core.triaging import Triaging


class Role(StrEnum):
    """Which process this is."""

    WORKER = "worker"
    CONTROL = "control"
    # The console alone: it shows what the stores keep, and takes, exports and fills nothing.
    FACE = "face"
    COMMAND = "command"
    POOL = "pool"


class LiveFeed(Protocol):
    """Exchanges as they are stored."""

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[ExchangeRow]]:
        """Rows from now on. A subscriber that does not keep up loses the oldest, never the others' time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the house is started and ready, and what each part of it says of itself."""

    started: bool
    ready: bool
    parts: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The surroundings of a plugin in one process. All that may be None is control's alone: see each one's module.

    `resources` are the YAML files of all plugins. `stored` is a command's alone: queries of the home's stores, opened
    for as long as it reads (StorageError where they can't be). So is `record`, which puts on record what the command is
    about to do: action, subject and details, in the name of the machine's own user (MidwatchError where that can't be).
    `samples` gives the metrics of all processes, summed; `metrics` is this process's own registry.
    """

    role: Role
    home: Path
    metrics: Metrics
    settings: Mapping[str, object] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    queries: Queries | None = None
    stored: Callable[[], AbstractAsyncContextManager[Queries]] | None = None
    record: Callable[[str, str, Mapping[str, str]], Awaitable[None]] | None = None
    live: LiveFeed | None = None
    health: Callable[[], Health] | None = None
    samples: Callable[[], list[Sample]] | None = None
    access: Access | None = None
    administration: Administration | None = None
    intake: Intake | None = None
    scanner: Scanner | None = None
    triaging: Triaging | None = None
    policies: PolicyDesk | None = None
    reports: ReportDesk | None = None
    installation: Installation | None = None
    alerts: AlertDesk | None = None
    cache: CacheLayer | None = None
    version: str = ""
    resources: Sequence[Resource] = ()
