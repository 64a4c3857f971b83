"""Sums of one bucket of time, by tenant and by agent, key and model: bounded whatever names clients make up."""

from collections.abc import Iterable, Iterator

from midwatch_anomaly.change import Scope
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.metrics_watched import FIELDS, clean

type Part = tuple[Scope, str]

WHOLE: Part = (Scope.TENANT, "")
# Names beyond the bound go under this one.
OTHER = "other"
_MOST_NAME = 120


class Bucket:
    """What came in one bucket. A tenant's own sums are the part WHOLE, and come before its other parts."""

    __slots__ = ("_counts", "_most_names", "tenants")

    def __init__(self, most_names: int) -> None:
        self.tenants: dict[str, dict[Part, list[float]]] = {}
        self._most_names = most_names
        self._counts: dict[tuple[str, Scope], int] = {}

    def take(self, measurements: Iterable[Measurement]) -> None:
        """Add measurements."""
        for item in measurements:
            numbers = [clean(number) for number in item.numbers()]
            for part in _parts(item):
                self.add(item.tenant, part, numbers)

    def add(self, tenant: str, part: Part, numbers: Iterable[float]) -> None:
        """Add sums to a part of a tenant's."""
        sums = self._sums(tenant, part)
        for at, number in enumerate(numbers):
            sums[at] += number

    def add_field(self, tenant: str, part: Part, field: int, number: float) -> None:
        """Add one sum to a part of a tenant's."""
        self._sums(tenant, part)[field] += clean(number)

    def forget(self, tenant: str) -> None:
        """Leave out what came of a tenant."""
        self.tenants.pop(tenant, None)
        for scope in Scope:
            self._counts.pop((tenant, scope), None)

    def _sums(self, tenant: str, part: Part) -> list[float]:
        parts = self.tenants.get(tenant)
        if parts is None:
            parts = self.tenants[tenant] = {WHOLE: [0.0] * len(FIELDS)}
        return parts.get(part) or self._new(tenant, parts, part)

    def _new(self, tenant: str, parts: dict[Part, list[float]], part: Part) -> list[float]:
        scope, name = part
        count = self._counts.get((tenant, scope), 0)
        if count >= self._most_names:
            return parts.setdefault((scope, OTHER), [0.0] * len(FIELDS))
        self._counts[tenant, scope] = count + 1
        return parts.setdefault((scope, name), [0.0] * len(FIELDS))


def _parts(item: Measurement) -> Iterator[Part]:
    yield WHOLE
    if item.agent:
        yield Scope.AGENT, item.agent[:_MOST_NAME]
    if item.key:
        yield Scope.KEY, item.key[:_MOST_NAME]
    if item.model:
        yield Scope.MODEL, item.model[:_MOST_NAME]
