"""The watcher: measurements in, anomalies out. Pure: the time is an argument, and buckets end when `close` says so.

    watcher = Watcher(Settings(sigma=4))
    watcher.take(now_s, [Measurement(tenant="acme", cost_usd=0.02, input_tokens=900), …])
    for change in watcher.close(now_s):  # at least once a bucket, also where nothing came
        print(change.stage, change.explanation)

Times are seconds since 1970. Where `close` is not called for more than `UNWATCHED` buckets (the machine slept, the
clock was put forward) the time between counts as not watched: nothing stopped in it, and nobody grows old.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched

from midwatch_anomaly.anomalies import Anomalies
from midwatch_anomaly.bucket import WHOLE, Bucket, Part
from midwatch_anomaly.change import Change, Scope, Stage
from midwatch_anomaly.contributing import contributors_of
from midwatch_anomaly.known import Known
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.metrics_watched import CALLS, Family
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.series import Series
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.silence import Silence
from midwatch_anomaly.state import pack, unpack
from midwatch_anomaly.tuning import Tuning

# Empty buckets in a row that may still be ours to judge when `close` comes late.
UNWATCHED = 3
# Tenants of one step: those that are judged, and those that are only looked at.
_AT_ONCE = 20
_LOOKED_AT = 200
# It takes a week of work to know somebody's pauses.
_HOURS_OF_PAUSES = 120.0


class Watcher:
    """What is usual of everybody, and what is not."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._tuning = Tuning.of(self._settings)
        self._known = Known(self._settings)
        self._anomalies = Anomalies(self._settings)
        self._silence = Silence()
        self._pending: dict[int, Bucket] = {}
        self._next: int | None = None  # the bucket that is open, by the wall clock
        self._watched = 0  # buckets closed so far: the age of all things here
        self._an_hour = max(1, 3600 // self._settings.bucket_s)

    def follow(self, settings: Settings) -> None:
        """Go by other settings; their `bucket_s` must be the same."""
        self._settings, self._tuning = settings, Tuning.of(settings)
        self._known.follow(settings)
        self._anomalies.follow(settings)

    def take(self, now_s: float, measurements: Iterable[Measurement]) -> None:
        """Add measurements to the bucket of now."""
        self._open(int(now_s // self._settings.bucket_s)).take(measurements)

    def take_bucket(self, number: int, bucket: Bucket) -> None:
        """Add what somebody else has summed to the bucket of this number (seconds since 1970 by `bucket_s`)."""
        self.take_tenants(number, bucket.tenants.items())

    def take_tenants(self, number: int, tenants: Iterable[tuple[str, Mapping[Part, Iterable[float]]]]) -> None:
        """The same of some tenants: of many at once it takes its time."""
        mine = self._open(number)
        for tenant, parts in tenants:
            for part, sums in parts.items():
                mine.add(tenant, part, sums)

    def close(self, now_s: float, *, blind: bool = False) -> list[Change]:
        """Judge the buckets that are over. `blind`: what came may not be all, so nobody is missed, and nothing over."""
        return [change for changes in self.steps(now_s, blind=blind) for change in changes]

    def steps(self, now_s: float, *, blind: bool = False) -> Iterator[list[Change]]:
        """The same in steps of some milliseconds, for who has other things to do; all must be taken.

        Between them `take` may be called, and nothing else.
        """
        current = int(now_s // self._settings.bucket_s)
        first = current if self._next is None else self._next
        self._next = current
        if current < first:  # the clock was put back
            self._gather(current)
            return
        watched = current - first <= UNWATCHED
        if not watched or blind:
            self._silence.forget()
        if not watched:
            self._anomalies.forget_strikes()
        due = sorted({*(range(first, current) if watched else ()), *(at for at in self._pending if at < current)})
        for number in due:
            yield from self._judge(number, blind=blind)

    def early(self, now_s: float, bucket: Bucket | None = None) -> list[Change]:
        """What the open bucket shows already: only sums that are grave, since more is yet to come.

        `bucket` is what it has so far, where somebody else sums it.
        """
        return [change for changes in self.early_steps(now_s, bucket) for change in changes]

    def early_steps(self, now_s: float, bucket: Bucket | None = None) -> Iterator[list[Change]]:
        """The same in steps, as `steps` has them."""
        number = int(now_s // self._settings.bucket_s)
        open_one = bucket or self._pending.get(number)
        for tenants in batched(list(open_one.tenants.items()) if open_one else (), _AT_ONCE):
            yield [change for name, parts in tenants for change in self._early(name, parts, number, now_s)]

    def _early(self, tenant: str, parts: dict[Part, list[float]], number: int, now_s: float) -> list[Change]:
        changes: list[Change] = []
        for part, sums in parts.items():
            series = self._known.find(tenant, part)
            if series is not None and self._is_known(series):
                readings = series.peek(sums, self._tuning, bucket=self._watched + 1, hour=self._hour(number))
                grave = [item for item in readings if self._anomalies.is_grave(item)]
                changes += self._weigh(tenant, part, grave, [Family.VOLUME] if grave else [], now_s, parts)
        return changes

    def running(self) -> list[Change]:
        """All anomalies that go on."""
        return [
            Change(
                stage=Stage.GOES_ON,
                at_s=self._now_s(),
                severity=item.severity,
                explanation=item.explanation,
            )
            for _, _, _, item in self._anomalies.running()
        ]

    def tenants(self) -> list[str]:
        """Everybody of whom something is known."""
        return self._known.tenants()

    def series(self, tenant: str) -> list[Series]:
        """What is usual of a tenant, and of its agents, keys and models."""
        return list(self._known.of(tenant).values())

    def dump(self, tenant: str) -> bytes:
        """What is known of a tenant, for `load`."""
        running = [(where, family, item) for _, where, family, item in self._anomalies.running(tenant)]
        return pack(self._known.of(tenant), running, watched=self._watched, bucket_s=self._settings.bucket_s)

    def load(self, tenant: str, data: bytes) -> None:
        """Take over what `dump` gave, also in another process. Raises StateError; then nothing is taken over."""
        kept = unpack(data, watched=self._watched, bucket_s=self._settings.bucket_s)
        self._drop(tenant)
        self._known.adopt(tenant, kept.series)
        for where, family, item in kept.running:
            self._anomalies.restore(tenant, where, family, item)

    def forget(self, tenant: str) -> None:
        """Know nothing of a tenant, also of what came and is not judged yet."""
        self._drop(tenant)
        for bucket in self._pending.values():
            bucket.forget(tenant)

    def _drop(self, tenant: str) -> None:
        self._known.drop(tenant)
        self._silence.forget(tenant)
        self._anomalies.forget_tenant(tenant)

    @property
    def count(self) -> int:
        """Tenants, agents, keys and models that are watched."""
        return self._known.count

    @property
    def unwatched(self) -> int:
        """Buckets of tenants for which there was no room."""
        return self._known.unwatched

    def _open(self, number: int) -> Bucket:
        """The bucket of this number; what is late, or of a clock that was put back, goes to the one that is open."""
        if self._next is None:
            self._next = number
        number = max(number, self._next)
        if number not in self._pending:
            if len(self._pending) > UNWATCHED:
                return self._pending[max(self._pending)]
            self._pending[number] = Bucket(self._settings.most_names)
        return self._pending[number]

    def _gather(self, number: int) -> None:
        waiting = [self._pending.pop(at) for at in sorted(self._pending)]
        for bucket in waiting:
            self.take_bucket(number, bucket)

    def _judge(self, number: int, *, blind: bool) -> Iterator[list[Change]]:
        hour, at_s = self._hour(number), float((number + 1) * self._settings.bucket_s)
        bucket = self._pending.pop(number, None)
        self._watched += bool(bucket) or not blind
        heard: set[str] = set()  # tenants with more calls than as good as none
        for tenants in batched(bucket.tenants.items() if bucket else (), _AT_ONCE):
            yield [change for name, parts in tenants for change in self._tenant(name, parts, hour, at_s, heard)]
        for steady in batched(self._silence.steady() if self._settings.silence else (), _LOOKED_AT):
            yield self._missed(steady, hour, at_s, heard)
        if self._watched % self._an_hour == 0:
            for old in batched(self._known.tenants(), _LOOKED_AT):
                yield self._forget_old(old, at_s)
            self._anomalies.forget_strikes(self._watched - self._an_hour)
        yield from self._anomalies.end_bucket(
            at_s, self._watched, lambda tenant, part: blind or self._came(tenant, part, heard)
        )

    def _tenant(
        self, tenant: str, parts: dict[Part, list[float]], hour: int, at_s: float, heard: set[str]
    ) -> list[Change]:
        changes: list[Change] = []
        placed = self._known.place(tenant, parts, bucket=self._watched, hour=hour)
        for part in sorted(placed, key=_in_order):
            series, sums = self._known.of(tenant)[part], placed[part]
            if part == WHOLE and self._silence.heard(tenant, series, sums[CALLS]):
                heard.add(tenant)
            readings, families = series.read(sums, self._tuning, bucket=self._watched, hour=hour)
            if self._is_known(series):
                if part == WHOLE and tenant in heard:
                    families.append(Family.SILENCE)
                changes += self._weigh(tenant, part, readings, families, at_s, parts)
        return changes

    def _weigh(
        self,
        tenant: str,
        part: Part,
        readings: list[Reading],
        families: list[Family],
        at_s: float,
        parts: dict[Part, list[float]],
    ) -> list[Change]:
        return self._anomalies.take(
            tenant,
            part,
            readings,
            families,
            at_s=at_s,
            bucket=self._watched,
            contributors=lambda metric: contributors_of(parts, metric),
        )

    def _came(self, tenant: str, part: Part, heard: set[str]) -> bool:
        if part == WHOLE:
            return tenant in heard
        series = self._known.find(tenant, part)
        return series is not None and series.last == self._watched

    def _missed(self, steady: Iterable[str], hour: int, at_s: float, heard: set[str]) -> list[Change]:
        changes: list[Change] = []
        for tenant in steady:
            if tenant in heard:
                continue
            series = self._known.of(tenant)[WHOLE]
            reading = self._silence.missed(tenant, series, series.expected(self._tuning, hour))
            if reading and self._is_known(series, hours=_HOURS_OF_PAUSES):
                changes += self._weigh(tenant, WHOLE, [reading], [Family.SILENCE], at_s, {})
        return changes

    def _forget_old(self, tenants: Iterable[str], at_s: float) -> list[Change]:
        """Names that were not heard of for long."""
        oldest = self._watched - self._settings.forget_days * 86_400 / self._settings.bucket_s
        changes: list[Change] = []
        for tenant in tenants:
            for part in self._known.drop_old(tenant, oldest):
                changes += self._anomalies.forget(tenant, part, at_s)
            if self._known.find(tenant, WHOLE) is None:
                self._drop(tenant)
        return changes

    def _is_known(self, series: Series, *, hours: float = 0.0) -> bool:
        """Whether a series is old enough to be judged: `hours`, or as the settings say."""
        return self._watched - series.born >= max(self._settings.warm_up_h, hours) * self._an_hour

    def _hour(self, number: int) -> int:
        return number * self._settings.bucket_s // 3600

    def _now_s(self) -> float:
        return float((self._next or 0) * self._settings.bucket_s)


def _in_order(part: Part) -> int:
    """Tenants before their agents, these before keys and models: who comes first tells what all show."""
    return _ORDER[part[0]]


_ORDER = {scope: number for number, scope in enumerate(Scope)}
