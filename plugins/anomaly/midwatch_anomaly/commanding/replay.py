"""`anomaly replay`: the calls that are kept through the watcher, as if it had watched them with these settings."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from midwatch_anomaly.change import Change, Stage
from midwatch_anomaly.commanding.kept import Hour, hours
from midwatch_anomaly.explaining import details_of, title_of
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher
from midwatch_core import ConfigError, Host, Json

_WEEK_S = 7 * 86_400.0


@dataclass(slots=True)
class Fired:
    """An anomaly that would have been told, as it was at its worst; `over_s` None where it still went on."""

    began_s: float
    change: Change
    over_s: float | None = None

    def as_json(self) -> dict[str, Json]:
        """As JSON values: moments in RFC 3339, what explains it under `details`."""
        of = self.change.explanation
        return {
            "began": _moment(self.began_s),
            "over": None if self.over_s is None else _moment(self.over_s),
            "severity": self.change.severity.value,
            "tenant": of.tenant,
            "scope": of.scope.value,
            "name": of.name,
            "metric": of.metric.value,
            "side": of.side.value,
            "title": title_of(of),
            "fingerprint": self.change.fingerprint,
            "details": dict(details_of(of)),
        }

    def lines(self) -> list[str]:
        """As text."""
        over = "goes on" if self.over_s is None else f"over {_moment(self.over_s)}"
        of = self.change.explanation
        details = (f"  {key}: {value}" for key, value in details_of(of).items())
        return [f"{_moment(self.began_s)}  {self.change.severity}  {title_of(of)} ({over})", *details]


@dataclass(slots=True)
class Replay:
    """What was read, and what fired, in its order. `next` is the number of the bucket that is not judged yet."""

    watcher: Watcher
    bucket_s: int
    next: int
    calls: int = 0
    fired: list[Fired] = field(default_factory=list)
    _running: dict[str, Fired] = field(default_factory=dict)

    def take(self, hour: Hour) -> None:
        """Judge an hour, bucket by bucket; those without a call too: that is how calls stop."""
        self.calls += hour.calls
        last = int(hour.until.timestamp() // self.bucket_s)
        for number in range(self.next, last + 1):
            self._note(self.watcher.close(number * self.bucket_s))
            if bucket := hour.buckets.get(number):
                self.watcher.take_bucket(number, bucket)
        self.next = last  # an hour may end within a bucket

    def end(self, until: datetime) -> None:
        """Judge what the last bucket has."""
        self._note(self.watcher.close(until.timestamp() + self.bucket_s))

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            key = change.fingerprint
            if change.stage is Stage.BEGAN:
                self._running[key] = Fired(change.at_s, change)
                self.fired.append(self._running[key])
            elif running := self._running.get(key):
                running.change = change
                if change.stage is Stage.OVER:
                    running.over_s = change.at_s
                    del self._running[key]


def replay(
    settings: Settings,
    host: Host,
    *,
    since: datetime,
    until: datetime,
    tenant: str | None,
    sigma: float | None,
    as_json: bool,
) -> int:
    """Print what would have fired; 1 where something would. Raises ConfigError, StorageError."""
    if sigma is not None:
        settings = _with_sigma(settings, sigma)
    done = asyncio.run(_replayed(settings, host, since=since, until=until, tenant=tenant))
    for item in done.fired:
        print(json.dumps(item.as_json()) if as_json else "\n".join(item.lines()))
    print(_summary(done, settings, since, until), file=sys.stderr)
    return int(bool(done.fired))


async def _replayed(settings: Settings, host: Host, *, since: datetime, until: datetime, tenant: str | None) -> Replay:
    if host.stored is None:
        raise ConfigError("anomaly replay: there is no store here")
    done = Replay(Watcher(settings), settings.bucket_s, int(since.timestamp() // settings.bucket_s))
    async with host.stored() as queries:
        async for hour in hours(queries, settings, since=since, until=until, tenant=tenant):
            done.take(hour)
    done.end(until)
    return done


def _with_sigma(settings: Settings, sigma: float) -> Settings:
    try:
        return Settings.model_validate({**settings.model_dump(), "sigma": sigma})
    except ValidationError as error:
        raise ConfigError(f"--sigma {sigma:g}: {error.errors()[0]['msg']}") from error


def _summary(done: Replay, settings: Settings, since: datetime, until: datetime) -> str:
    tenants, weeks = len(done.watcher.tenants()), max((until - since).total_seconds(), 1.0) / _WEEK_S
    rate = f", {len(done.fired) / tenants / weeks:.2f} a tenant and week" if tenants else ""
    return (
        f"midwatch: {done.calls:,} calls of {tenants:,} tenants since {since:%Y-%m-%d %H:%M}: "
        f"{len(done.fired):,} anomalies{rate}. The first {settings.warm_up_h:g} hours of each are only learned."
    )


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
