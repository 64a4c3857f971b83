"""A model by itself: a full window, what asking adds to it, and its memory."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import procstat
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from benchmarks.with_models import installed
from midwatch_core import ModelNumbers

if TYPE_CHECKING:
    from midwatch_ml.asking.model import Model

_WORDS = ["the", "watch", "is", "kept", "over", "all", "who", "sleep", "at", "night", "and", "nobody", "wakes"]
# Each of the words is one token; with the model's two marks they fill a window of 256.
WINDOW_WORDS = 254
_TEXTS = 60
_LONG = 1_000


async def measure(session: Session) -> list[Row]:
    """The default model, asked as the plugin asks it, a text at a time."""
    if not installed("models"):
        return []
    from midwatch_ml.asking.model import Model
    from midwatch_ml.settings import DEFENDER

    numbers = _Numbers()
    model = Model(DEFENDER, Path(), numbers)
    try:
        await model.score("warm")
        return await _rows(model, numbers, session)
    finally:
        await model.process.close()


async def _rows(model: Model, numbers: _Numbers, session: Session) -> list[Row]:
    """Full windows one after another, and at the end a text of more than a megabyte."""
    asked_ms, inside_ms = [], []
    for number in range(session.scaled(_TEXTS) * session.runs):
        began_s = time.perf_counter()
        found = await model.score(window_text(number))
        asked_ms.append((time.perf_counter() - began_s) * 1000)
        inside_ms.append(numbers.seconds * 1000)
        if found is None or found.windows != 1:
            raise RuntimeError("the text is no longer one window")
    added = statistics.quantiles([asked - inside for asked, inside in zip(asked_ms, inside_ms, strict=True)], n=20)
    await model.score(" ".join(window_text(number) for number in range(_LONG)))
    assert model.process.pid is not None
    return [
        at_most("a window of 256 tokens, int8, one thread, p50", statistics.median(inside_ms), "ms", 60.0),
        at_most("what asking adds to the model's own time, p50", added[9], "ms", 2.0),
        at_most("what asking adds to the model's own time, p95", added[18], "ms", 2.0),
        at_most("RSS of the model's process, highest", procstat.peak_rss_mb([model.process.pid]), "MB", 250.0),
    ]


def window_text(number: int) -> str:
    """A text of one full window; another number makes another."""
    return " ".join(_WORDS[(number + place) % len(_WORDS)] for place in range(WINDOW_WORDS))


class _Numbers(ModelNumbers):
    """Keeps the seconds that the last batch took in the process."""

    seconds = 0.0

    def __init__(self) -> None:
        super().__init__(None)

    def ran(self, model: str, texts: int, seconds: float) -> None:
        self.seconds = seconds
