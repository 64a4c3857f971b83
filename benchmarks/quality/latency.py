"""Latency of each voter, a text at a time: what a call that waits for it would wait."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.quality.labelled import Labelled
from midwatch_core import Direction, Engine, Segment
from midwatch_ensemble.calibrating.looking import look
from midwatch_ensemble.evidence import Evidence
from midwatch_ensemble.lexicon import Lexicon
from midwatch_ensemble.shelf import shipped
from midwatch_ensemble.weighing import Scale

_TEXTS = 300


async def latency_table(rows: Sequence[Labelled]) -> Iterator[str]:
    """Detectors, models and the ensemble (the lexicon's part apart) on texts of all sets; milliseconds."""
    engine, lexicon, scale = Engine.installed(), Lexicon.shipped(), Scale(calibration=shipped())
    times: dict[str, list[float]] = {"detectors": [], "detectors and models": [], "lexicon": [], "weighing": []}
    for row in rows[:: max(1, len(rows) // _TEXTS)]:
        began = time.perf_counter()
        engine.look(Segment(part=row.part, path="", text=row.text), Direction.REQUEST)
        saw = time.perf_counter()
        looked = await look(engine, row.text, row.part)
        heard = time.perf_counter()
        reading = lexicon.read(row.text)
        read = time.perf_counter()
        scale.weigh(Evidence(findings=looked.findings, votes=looked.votes, reading=reading))
        done = time.perf_counter()
        for name, took_s in zip(times, (saw - began, heard - saw, read - heard, done - read), strict=True):
            times[name].append(took_s * 1_000)
    return _lines(times)


def _lines(times: dict[str, list[float]]) -> Iterator[str]:
    yield "| who | p50 ms | p95 ms |"
    yield "|---|---|---|"
    for name, took in times.items():
        ordered = sorted(took)
        yield f"| {name} | {ordered[len(ordered) // 2]:.3f} | {ordered[len(ordered) * 95 // 100]:.3f} |"
