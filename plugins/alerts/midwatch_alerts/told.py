"""What channels were told: of which trouble, how grave it was and when, so that nothing is told twice too soon."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from midwatch_alerts.entry import Trouble
from midwatch_core import Incident, Severity

# Beyond, the oldest are forgotten: a channel may then be told again.
MOST_TOLD = 50_000
# An incident that goes on longer than that ends without a word.
LONGEST_S = 90 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOf:
    """The last that a channel was told of a trouble: in which message, of which incident, and whether that is over."""

    incident_id: str
    severity: Severity
    at_s: float
    message_id: str
    over: bool = False


class ToldBook:
    """All that was told, the oldest first. Times are seconds since the epoch, and given."""

    def __init__(self, rows: Iterable[tuple[Trouble, ToldOf]] = (), *, cooldown_s: float) -> None:
        self._cooldown_s = cooldown_s
        self._rows = dict(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def follow(self, *, cooldown_s: float) -> None:
        """From now on the cooldown is this."""
        self._cooldown_s = cooldown_s

    def of(self, trouble: Trouble) -> ToldOf | None:
        """What the channel was told of it last."""
        return self._rows.get(trouble)

    def knows(self, trouble: Trouble, incident: Incident) -> bool:
        """Whether the channel was told of this very incident, and not yet of its end."""
        told = self._rows.get(trouble)
        return told is not None and told.incident_id == incident.id and not told.over

    def quiet_until(self, trouble: Trouble, severity: Severity) -> float:
        """Until when the channel is not told anew of something as grave; 0 where it is told now."""
        told = self._rows.get(trouble)
        return 0.0 if told is None or told.severity.rank < severity.rank else told.at_s + self._cooldown_s

    def tell(self, trouble: Trouble, told: ToldOf) -> None:
        """The channel is told."""
        self._rows.pop(trouble, None)  # it is the newest now
        self._rows[trouble] = told

    def end(self, trouble: Trouble, incident: Incident) -> ToldOf | None:
        """The channel is told of an incident's end; how the trouble stands now: another incident of it may go on."""
        if self.knows(trouble, incident):
            self._rows[trouble] = replace(self._rows[trouble], over=True)
        return self._rows.get(trouble)

    def unsay(self, message_id: str) -> None:
        """A message never reached its channel: what it had was not told."""
        for trouble in [trouble for trouble, told in self._rows.items() if told.message_id == message_id]:
            del self._rows[trouble]

    def forget_tenant(self, tenant: str) -> None:
        """Nothing of a tenant was told."""
        for trouble in [trouble for trouble in self._rows if trouble.tenant == tenant]:
            del self._rows[trouble]

    def forget(self, now_s: float) -> list[Trouble]:
        """Drop what matters no more, and the oldest where there are too many; what was dropped."""
        gone = list(self._passed(now_s))
        for trouble in gone:
            del self._rows[trouble]
        for trouble in list(self._rows)[: max(0, len(self._rows) - MOST_TOLD)]:
            del self._rows[trouble]
            gone.append(trouble)
        return gone

    def _passed(self, now_s: float) -> Iterator[Trouble]:
        for trouble, told in self._rows.items():
            if now_s - told.at_s > (self._cooldown_s if told.over else LONGEST_S):
                yield trouble
