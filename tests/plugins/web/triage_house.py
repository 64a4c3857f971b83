"""A house in which findings are judged."""

from dataclasses import dataclass, replace

from midwatch_core.host import Host
from midwatch_core.triaging import Triaging
from tests.plugins.web.conftest import FixedClock, House


@dataclass(slots=True)
class TriageHouse(House):
    """A house with a triage."""

    def host(self) -> Host:
        host = House.host(self)
        assert host.queries is not None
        return replace(host, triaging=Triaging(queries=host.queries, metadata=self.metadata, clock=FixedClock()))
