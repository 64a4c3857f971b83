"""A room of policies over a real home and store, without the process around it."""

from dataclasses import dataclass, field
from pathlib import Path

from midwatch.control.policy_desk.room import PolicyRoom
from midwatch.home import Home
from midwatch.settings import Settings, policy_of, resolve
from midwatch_core.access.caller import Caller
from midwatch_core.clock import SystemClock
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.policy import Policy
from midwatch_core.ports import MetadataRepository
from midwatch_core.queries import Queries
from midwatch_memory.traces import MemoryTraces

OPERATOR = Caller(name="mw_oper", role=AccessRole.OPERATOR)
VIEWER = Caller(name="mw_view", role=AccessRole.VIEWER)
OWN = "policy: {{id: {}}}\nlines:\n  - {{id: all, then: {}}}\n"


def own(action: str = "block", name: str = "own") -> str:
    """A policy of one line, as it is written."""
    return OWN.format(name, action)


@dataclass(slots=True, kw_only=True)
class Node:
    """A node: what its control holds, and its room."""

    settings: Settings
    metadata: MetadataRepository
    traces: MemoryTraces
    in_use: Policy
    reloads: int = 0
    room: PolicyRoom = field(init=False)

    def __post_init__(self) -> None:
        self.room = PolicyRoom(
            self.settings,
            self.metadata,
            Queries(traces=self.traces, metadata=self.metadata),
            SystemClock(),
            in_use=lambda: self.in_use,
            reload=self.reload,
        )

    @property
    def home(self) -> Home:
        return self.settings.home

    async def reload(self) -> None:
        """As the process does it: what can't be read leaves the last good one."""
        self.reloads += 1
        try:
            self.in_use = policy_of(self.settings)
        except ConfigError:
            return
        self.room.take(self.settings.config, self.in_use)


async def node_in(
    folder: Path, metadata: MetadataRepository, policy: str = "observe", *, traces: MemoryTraces | None = None
) -> Node:
    """A node with a home in `folder`, whose configuration names a policy."""
    home = Home(folder)
    home.prepare()
    settings = resolve(home, config_file=None, flags={"policy": policy})
    if traces is None:
        traces = MemoryTraces()
        await traces.start()
    return Node(settings=settings, metadata=metadata, traces=traces, in_use=policy_of(settings))
