"""Scales: from the highest value of a chart to the ticks beside it, and values in few characters."""

import math
from decimal import Decimal

from midwatch_web.serving.formatting import dollars, duration

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_STEPS = 4
_LETTERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def ticks(most: float, *, whole: bool = False) -> tuple[float, ...]:
    """Evenly from 0 to the first nice value that is not below `most`; at most five. `whole`: no parts of one."""
    if not most > 0 or not math.isfinite(most):
        return (0.0, 1.0)
    rough = most / _STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    count = max(1, math.ceil(most / step * (1 - 1e-9)))
    return tuple(step * number for number in range(count + 1))


def short(value: float) -> str:
    """A number in few characters: `950`, `1.5k`, `12M`."""
    for factor, letter in _LETTERS:
        if abs(value) >= factor:
            return f"{value / factor:.3g}{letter}" if abs(value) < 1000 * factor else f"{value / factor:.0f}{letter}"
    return f"{value:.3g}"


def money(value: float) -> str:
    """US dollars: all digits that say something."""
    return f"${short(value)}" if value >= 1000 else dollars(Decimal(f"{value:.3g}"))


def percent(value: float) -> str:
    """A share, 0 to 1, in hundredths: `0.4 %`, `12 %`."""
    return f"{value * 100:.3g} %"


def milliseconds(value: float) -> str:
    """A duration in the unit that reads best."""
    return "0" if value == 0 else duration(value).replace(".00 s", " s")
