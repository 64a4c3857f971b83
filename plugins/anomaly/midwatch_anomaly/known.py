"""Who is known: series of tenants and of their agents, keys and models, within bounds. Pure; the watcher has one."""

from collections.abc import Mapping

from midwatch_anomaly.bucket import OTHER, WHOLE, Part
from midwatch_anomaly.metrics_watched import CALLS
from midwatch_anomaly.series import Series
from midwatch_anomaly.settings import Settings

# Of the bound on series, the share that is left to tenants.
_FOR_PARTS = 0.8


class Known:
    """Series by tenant and part. There are at most `most_series` of them, and `most_names` of a kind in a tenant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants: dict[str, dict[Part, Series]] = {}
        self._count = 0
        self.unwatched = 0
        """Buckets of tenants for which there was no room."""

    def follow(self, settings: Settings) -> None:
        """Go by other bounds from now on; what is there stays."""
        self._settings = settings

    @property
    def count(self) -> int:
        """Tenants, agents, keys and models that are known."""
        return self._count

    def tenants(self) -> list[str]:
        """Everybody of whom something is known."""
        return list(self._tenants)

    def of(self, tenant: str) -> Mapping[Part, Series]:
        """All series of a tenant; none where it is not known."""
        return self._tenants.get(tenant, {})

    def find(self, tenant: str, part: Part) -> Series | None:
        """One series."""
        return self.of(tenant).get(part)

    def adopt(self, tenant: str, series: Mapping[Part, Series]) -> None:
        """Know these series of a tenant in place of its own."""
        self.drop(tenant)
        self._tenants[tenant] = dict(series)
        self._count += len(series)

    def drop(self, tenant: str) -> None:
        """Know nothing of a tenant."""
        self._count -= len(self._tenants.pop(tenant, {}))

    def drop_old(self, tenant: str, oldest: float) -> list[Part]:
        """Drop the parts of a tenant that came last before the bucket `oldest`, and give them."""
        series = self._tenants.get(tenant, {})
        old = [part for part, one in series.items() if one.last < oldest]
        for part in old:
            del series[part]
        self._count -= len(old)
        return old

    def place(
        self, tenant: str, parts: Mapping[Part, list[float]], *, bucket: int, hour: int
    ) -> dict[Part, list[float]]:
        """The sums by the series they belong to, which are made where there is room; the rest goes to `other`."""
        placed: dict[Part, list[float]] = {}
        for part, sums in parts.items():
            for place in (part, (part[0], OTHER)):
                if sums[CALLS] > 0 and self._has_room(tenant, place, bucket, hour):
                    there = placed.get(place)
                    placed[place] = sums if there is None else [a + b for a, b in zip(there, sums, strict=True)]
                    break
        return placed

    def _has_room(self, tenant: str, part: Part, bucket: int, hour: int) -> bool:
        """Whether a part of a tenant's has its series; it is made if it may be."""
        known = self.of(tenant)
        if part in known:
            return True
        scope, name = part
        share = 1.0 if part == WHOLE else _FOR_PARTS
        names = sum(at[0] is scope for at in known) if part != WHOLE and name != OTHER else 0
        if self._count >= share * self._settings.most_series or names >= self._settings.most_names:
            self.unwatched += part == WHOLE
            return False
        self._tenants.setdefault(tenant, {})[part] = Series(born=bucket, hour=hour)
        self._count += 1
        return True
