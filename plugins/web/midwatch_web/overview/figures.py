"""The charts of the overview, from what was read."""

from collections.abc import Callable, Mapping, Sequence

from midwatch_web.charts.columns import columns
from midwatch_web.charts.figure import Axis, Figure, Series
from midwatch_web.charts.lines import lines
from midwatch_web.charts.scale import milliseconds, money, percent
from midwatch_web.charts.slots import Slots
from midwatch_web.overview.folding import Slot

# Categories that have a colour of their own; the others share the last one.
_OWN_COLOUR = 7


def axis_of(slots: Slots) -> Axis:
    """The time axis."""
    return Axis(names=[slots.name(place) for place in range(len(slots.starts))], marks=slots.marks())


def figures_of(slots: Slots, folded: Sequence[Slot]) -> list[Figure]:
    """Calls, cost, tokens, first token, errors."""
    axis, by = axis_of(slots), f"by {slots.words}"
    return [
        columns(
            f"Calls {by}",
            axis,
            [
                _series("answered", "flow", folded, lambda slot: slot.good),
                _series("errors", "bad", folded, lambda slot: slot.errors),
                _series("refused", "odd", folded, lambda slot: slot.refused),
            ],
            whole=True,
        ),
        columns(f"Cost {by}", axis, _cost_series(folded), tell=money),
        columns(
            f"Tokens {by}",
            axis,
            [
                _series("in", "flow", folded, lambda slot: slot.input_tokens),
                _series("out", "c-3", folded, lambda slot: slot.output_tokens),
            ],
            whole=True,
        ),
        lines(
            f"Time to first token {by}",
            axis,
            [
                _series("median", "flow", folded, lambda slot: slot.ttft_ms(0.5)),
                _series("p95", "odd", folded, lambda slot: slot.ttft_ms(0.95)),
            ],
            tell=milliseconds,
        ),
        lines(
            f"Share of errors {by}",
            axis,
            [_series("errors", "bad", folded, lambda slot: slot.error_share)],
            tell=percent,
        ),
    ]


def findings_figure(days: Slots, counts: Mapping[str, Sequence[int]]) -> Figure:
    """Findings over time, the most frequent categories apart."""
    names = list(counts)
    series = [
        Series(name=name.replace("_", " "), style=f"c-{place + 1}", values=counts[name])
        for place, name in enumerate(names[:_OWN_COLOUR])
    ]
    if rest := names[_OWN_COLOUR:]:
        sums = [sum(counts[name][place] for name in rest) for place in range(len(days.starts))]
        series.append(Series(name="others", style=f"c-{_OWN_COLOUR + 1}", values=sums))
    return columns(f"Findings by {days.words}", axis_of(days), series, whole=True)


def _cost_series(folded: Sequence[Slot]) -> list[Series]:
    billed = _series("billed", "flow", folded, lambda slot: slot.cost_usd)
    subscribed = _series("by subscription, at the API's price", "wait", folded, lambda slot: slot.api_equivalent_usd)
    return [billed, subscribed] if any(subscribed.values) else [billed]


def _series(name: str, style: str, folded: Sequence[Slot], value: Callable[[Slot], float | None]) -> Series:
    return Series(name=name, style=style, values=[value(slot) for slot in folded])
