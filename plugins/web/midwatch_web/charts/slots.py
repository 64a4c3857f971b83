"""Slots: a window of time in at most a hundred equal pieces of whole hours or days, and where a group's label falls."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

MOST_SLOTS = 100
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = (*(_HOUR * hours for hours in (1, 2, 3)), *(_DAY * days for days in (1, 2, 7, 30, 365, 3650, 36_500)))
# How far apart marks on the axis may stand; of these the first that leaves few enough.
_APART = (
    *(_HOUR * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 5, 10, 30, 90, 180, 365, 3650)),
)
_MOST_MARKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """`starts` in UTC, each `step` after the one before. `key` is what sums are grouped by: `hour` or `day`."""

    starts: tuple[datetime, ...]
    step: timedelta

    @property
    def key(self) -> str:
        """The key of `COST_KEYS` and `FINDING_KEYS` that is fine enough."""
        return "hour" if self.step < _DAY else "day"

    @property
    def words(self) -> str:
        """The step in words: `hour`, `2 hours`, `day`."""
        number, unit = (self.step // _HOUR, "hour") if self.step < _DAY else (self.step // _DAY, "day")
        return unit if number == 1 else f"{number} {unit}s"

    def place(self, label: str | None) -> int | None:
        """The slot of a group's label (`2026-11-23T01:00`, `2026-11-23`); None outside of the window."""
        if not label:
            return None
        place = (datetime.fromisoformat(label).replace(tzinfo=UTC) - self.starts[0]) // self.step
        return place if 0 <= place < len(self.starts) else None

    def name(self, place: int) -> str:
        """A slot in words, UTC."""
        start = self.starts[place]
        if self.step < _DAY:
            return f"{start:%Y-%m-%d %H:%M} UTC"
        last = start + self.step - _DAY
        return f"{start:%Y-%m-%d}" if last == start else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"

    def marks(self) -> tuple[tuple[int, str], ...]:
        """Places to write a moment at on the axis, and what to write: few, and at round hours where there are hours."""
        whole = self.step * len(self.starts)
        apart = next((apart for apart in _APART if apart >= self.step and whole / apart <= _MOST_MARKS), whole)
        return tuple(
            (place, self._mark(place, whole)) for place in range(len(self.starts)) if self._marked(place, apart)
        )

    def _marked(self, place: int, apart: timedelta) -> bool:
        first = self.starts[0]
        if self.step < _DAY:  # the first midnight at which a slot begins
            first = _floor(first + _DAY - self.step, _DAY)
        return (self.starts[place] - first) % apart < self.step

    def _mark(self, place: int, whole: timedelta) -> str:
        start = self.starts[place]
        if self.step < _DAY and start.hour:
            return f"{start:%H:%M}"
        return f"{start:%b %Y}" if whole > 300 * _DAY else f"{start.day} {start:%b}"


def slots_between(since: datetime, until: datetime, *, finest: timedelta = _HOUR) -> Slots:
    """Slots from the whole hour or day that holds `since` on, until `until` is reached; no step below `finest`."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    for step in _STEPS:
        start = _floor(since, step)
        count = -((start - until) // step)  # rounded up
        if step >= finest and count <= MOST_SLOTS:
            break
    count = max(1, min(count, MOST_SLOTS))
    return Slots(starts=tuple(start + step * number for number in range(count)), step=step)


def _floor(moment: datetime, step: timedelta) -> datetime:
    midnight = datetime.combine(moment.date(), time(), UTC)
    return midnight if step >= _DAY else midnight + (moment - midnight) // step * step
