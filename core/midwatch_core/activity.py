"""Activity: how calls went, counted by group: errors, refusals, findings, and how long the first token took."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action

# Upper bounds, inclusive, of what times to first token are counted in, milliseconds; the last class is all above.
TTFT_BOUNDS_MS = (50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1000.0, 1500.0, 2500.0, 5000.0, 10_000.0, 30_000.0)
TTFT_CLASSES = len(TTFT_BOUNDS_MS) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One call's part in the counts: each 0 or 1. `ttft_class` is its place in TTFT_BOUNDS_MS, None without a TTFT."""

    errors: int
    refused: int
    flagged: int
    ttft_class: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """Counts over the exchanges of one group; `group` has the values of the keys asked for, in their order.

    `errors`: no answer, a status of 400 or more, or a call that broke, of those that we did not refuse. `refused`: we
    blocked or cut it, or a limit or budget did. `flagged`: it has findings. `ttft` counts in TTFT_CLASSES classes.
    """

    group: tuple[str | None, ...]
    calls: int
    errors: int
    refused: int
    flagged: int
    ttft: tuple[int, ...]


@dataclass(slots=True)
class ActivitySum:
    """A group's counts while they are added up."""

    calls: int = 0
    errors: int = 0
    refused: int = 0
    flagged: int = 0
    ttft: list[int] = field(default_factory=lambda: [0] * TTFT_CLASSES)

    def add(self, activity: Activity) -> None:
        """Add one call."""
        self.calls += 1
        self.errors += activity.errors
        self.refused += activity.refused
        self.flagged += activity.flagged
        if activity.ttft_class is not None:
            self.ttft[activity.ttft_class] += 1

    def add_counts(self, calls: int, errors: int, refused: int, flagged: int, ttft: Iterable[int]) -> None:
        """Add the counts of many."""
        self.calls += calls
        self.errors += errors
        self.refused += refused
        self.flagged += flagged
        self.ttft = list(map(sum, zip(self.ttft, ttft, strict=True)))

    def row(self, group: tuple[str | None, ...]) -> ActivityRow:
        """These counts as a row."""
        return ActivityRow(
            group=group,
            calls=self.calls,
            errors=self.errors,
            refused=self.refused,
            flagged=self.flagged,
            ttft=tuple(self.ttft),
        )


def most_calls_first(rows: Iterable[ActivityRow]) -> list[ActivityRow]:
    """Most calls first; where they are equal, by the group's values."""
    return sorted(rows, key=lambda row: (-row.calls, tuple(value or "" for value in row.group)))


def activity_of(exchange: Exchange) -> Activity:
    """What a call adds to the counts of its groups."""
    refused = exchange.action >= Action.CUT
    broke = exchange.error is not None or exchange.status is None or exchange.status >= 400
    said = exchange.response is not None and exchange.response.error is not None
    ttft_ms = exchange.timing.ttft_ms
    return Activity(
        errors=int(not refused and (broke or said)),
        refused=int(refused),
        flagged=int(bool(exchange.findings)),
        ttft_class=None if ttft_ms is None else bisect_left(TTFT_BOUNDS_MS, ttft_ms),
    )


def ttft_sum(rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Counts of several groups as one."""
    return tuple(map(sum, zip([0] * TTFT_CLASSES, *rows, strict=True)))


def ttft_quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """The time that so large a share (0 to 1) of calls kept to, milliseconds: within its class by straight line.

    None without calls; above the last bound that bound, for no more is known.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, seen, low = share * total, 0, 0.0
    for bound, count in zip(TTFT_BOUNDS_MS, counts, strict=False):
        if count and seen + count >= wanted:
            return low + (bound - low) * max(0.0, wanted - seen) / count
        seen, low = seen + count, bound
    return TTFT_BOUNDS_MS[-1]
