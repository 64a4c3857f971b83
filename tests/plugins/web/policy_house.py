"""A house with the desk of a node in it, and three keys."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from midwatch_core.access.caller import Access, Caller
from midwatch_core.host import Host
from midwatch_core.model.apikey import AccessRole
from midwatch_core.triaging import Triaging
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.policy_rooms import Node, node_in
from tests.plugins.web.conftest import FixedClock, House, WatchedTraces

KEYS = {
    "viewer": Caller(name="viewer", role=AccessRole.VIEWER),
    "operator": Caller(name="operator", role=AccessRole.OPERATOR),
    "admin-of-acme": Caller(name="admin-of-acme", role=AccessRole.ADMIN, tenant="acme"),
}


class Keys:
    """Access by three keys."""

    required = True

    def caller(self, key: str) -> Caller | None:
        return KEYS.get(key)

    def still(self, caller: Caller) -> bool:
        return caller in KEYS.values()


@dataclass(slots=True)
class PolicyHouse(House):
    """A house with a node's desk in it."""

    node: Node = field(kw_only=True)

    def host(self) -> Host:
        host = House.host(self)
        assert host.queries is not None
        triaging = Triaging(queries=host.queries, metadata=self.metadata, clock=FixedClock())
        return replace(host, policies=self.node.room.desk, triaging=triaging)


async def policy_house(folder: Path, access: Access | None = None) -> PolicyHouse:
    """The house, with a home in `folder`."""
    metadata, traces = MemoryMetadata(), WatchedTraces()
    await metadata.start()
    await traces.start()
    node = await node_in(folder, metadata, traces=traces)
    return PolicyHouse(node=node, access=access, metadata=metadata, traces=traces)
