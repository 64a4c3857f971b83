"""Telling of calibrations, for people at a terminal."""

from collections.abc import Iterator
from typing import Any

from midwatch_ensemble.calibration import Calibration
from midwatch_ensemble.fusion import OperatingPoint


def row_of(calibration: Calibration, version: str, *, in_use: bool) -> str:
    """A calibration in one line."""
    texts = sum(one.attacks + one.harmless for one in calibration.sets)
    mark = "*" if in_use else " "
    made = calibration.made_at.strftime("%Y-%m-%d %H:%M")
    return f"{mark} {version:<24} {made}  {calibration.hash[:12]}  {len(calibration.sets)} sets, {texts} texts"


def lines_of(calibration: Calibration) -> Iterator[str]:
    """What a calibration measured: each fit at each point, on texts it has not seen."""
    for made in calibration.fits:
        yield f"with {', '.join(made.voters)}:"
        for point in OperatingPoint:
            found: Any = made.measured.get(point, {})
            yield (
                f"  {point.value:<15} threshold {made.thresholds[point]:+.2f}  by {found.get('by', '–')}"
                f"  false positives {_share(found.get('false_positives'))}  recall {_share(found.get('recall'))}"
            )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
