"""What the watch tells: alerts go to the desk, and how it stands is counted. Counterpart: the rounds."""

from collections.abc import Iterable, Sequence

from midwatch_anomaly import numbers
from midwatch_anomaly.change import Change, Stage
from midwatch_anomaly.explaining import alert_of
from midwatch_anomaly.watching import Watcher
from midwatch_core import Alert, Host


class Telling:
    """Alerts and numbers of one house. Where it has no desk, changes are only counted."""

    def __init__(self, host: Host) -> None:
        self._desk = host.alerts
        self._metrics = host.metrics

    def tell(self, changes: Sequence[Change]) -> None:
        """Raise what changed, and count what began."""
        for of in (change.explanation for change in changes if change.stage is Stage.BEGAN):
            self._metrics.add(numbers.BEGAN, 1, (of.metric, of.scope, of.side))
        self.raise_alerts(map(alert_of, changes))

    def raise_alerts(self, alerts: Iterable[Alert]) -> None:
        """Have alerts come to the desk."""
        for alert in alerts:
            if self._desk is not None:
                self._desk.raise_alert(alert)

    def count(self, watcher: Watcher) -> None:
        """How much is watched now."""
        self._metrics.set(numbers.SERIES, watcher.count)
        self._metrics.set(numbers.RUNNING, len(watcher.running()))
        self._metrics.set(numbers.UNWATCHED, watcher.unwatched)

    def count_late(self, calls: int) -> None:
        """Calls that were stored too late to be judged."""
        if calls:
            self._metrics.add(numbers.LATE, calls)
