"""Sums by hour or day, folded into the slots of a chart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch_core import TTFT_CLASSES, ActivityRow, CostRow, FindingCount, ttft_quantile_ms
from midwatch_web.charts.slots import Slots


@dataclass(slots=True)
class Slot:
    """What happened in one slot. Money that subscriptions paid for is apart from what is billed."""

    calls: int = 0
    errors: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    api_equivalent_usd: float = 0.0
    ttft: tuple[int, ...] = (0,) * TTFT_CLASSES

    @property
    def good(self) -> int:
        """Calls that were neither refused nor failed."""
        return max(0, self.calls - self.errors - self.refused)

    @property
    def error_share(self) -> float | None:
        """Errors of all calls, 0 to 1; None without calls."""
        return self.errors / self.calls if self.calls else None

    def ttft_ms(self, share: float) -> float | None:
        """The time to the first token that so large a share of calls kept to, milliseconds."""
        return ttft_quantile_ms(self.ttft, share)


def fold(slots: Slots, costs: Iterable[CostRow], activity: Iterable[ActivityRow]) -> list[Slot]:
    """The slots of a window; what falls outside of all of them is left out."""
    folded = [Slot() for _ in slots.starts]
    for cost in costs:
        if (place := slots.place(cost.group[0])) is not None:
            slot = folded[place]
            slot.calls += cost.calls
            slot.input_tokens += cost.input_tokens
            slot.output_tokens += cost.output_tokens
            slot.cost_usd += float(cost.cost_usd)
            slot.api_equivalent_usd += float(cost.api_equivalent_usd)
    for row in activity:
        if (place := slots.place(row.group[0])) is not None:
            slot = folded[place]
            slot.errors += row.errors
            slot.refused += row.refused
            slot.ttft = tuple(map(sum, zip(slot.ttft, row.ttft, strict=True)))
    return folded


def fold_counts(slots: Slots, counts: Sequence[FindingCount]) -> dict[str, list[int]]:
    """Findings by category, for each slot; the most frequent category first."""
    sums = by_category(counts)
    folded = {name: [0] * len(slots.starts) for name, _ in sums}
    for count in counts:
        moment, category = count.group
        if (place := slots.place(moment)) is not None:
            folded[category or ""][place] += count.findings
    return folded


def by_category(counts: Iterable[FindingCount]) -> list[tuple[str, int]]:
    """Findings of each category, counted by time and category, most first."""
    sums: dict[str, int] = {}
    for count in counts:
        name = count.group[1] or ""
        sums[name] = sums.get(name, 0) + count.findings
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))
