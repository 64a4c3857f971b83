"""What the installed detectors and models see in texts; asked once, and kept in a file for the next run."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.quality.labelled import Labelled
from midwatch_core import Engine, Finding, Severity
from midwatch_ensemble.calibrating.looking import look
from midwatch_ensemble.evidence import Evidence
from midwatch_ensemble.lexicon import Reading

_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Findings of detectors (rule, category, confidence), and the models' scores by voter."""

    found: Sequence[tuple[str, str, float]]
    votes: Mapping[str, float]
    took_ms: float = 0.0

    def evidence(self, reading: Reading | None) -> Evidence:
        """The same to be weighed."""
        return Evidence(findings=[_finding(*one) for one in self.found], votes=self.votes, reading=reading)

    def only(self, voters: Container[str]) -> Seen:
        """The same as if no other models had voted."""
        return replace(self, votes={voter: share for voter, share in self.votes.items() if voter in voters})

    @property
    def rules(self) -> float:
        """The highest confidence of a detector's finding."""
        return max((confidence for _, _, confidence in self.found), default=0.0)


class Sight:
    """The engine's eyes, with a memory: `file` has a line a text."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine = Engine.installed()
        self._known: dict[str, Seen] = {}
        if file.exists():
            with file.open(encoding="utf-8") as lines:
                self._known = {key: Seen(**kept) for key, kept in map(json.loads, lines)}

    async def see(self, rows: Sequence[Labelled]) -> list[Seen]:
        """What is seen in each text, in order."""
        new = list({row.key: row for row in rows if row.key not in self._known}.values())
        with self._file.open("a", encoding="utf-8") as lines:
            for at in range(0, len(new), _AT_ONCE):
                batch = new[at : at + _AT_ONCE]
                for row, seen in zip(batch, await asyncio.gather(*map(self._look, batch)), strict=True):
                    self._known[row.key] = seen
                    kept = {"found": seen.found, "votes": seen.votes, "took_ms": seen.took_ms}
                    lines.write(json.dumps([row.key, kept]) + "\n")
        return [self._known[row.key] for row in rows]

    async def _look(self, row: Labelled) -> Seen:
        began = time.perf_counter()
        looked = await look(self._engine, row.text, row.part)
        took_ms = (time.perf_counter() - began) * 1_000
        found = tuple((one.rule, one.category, one.confidence) for one in looked.findings)
        return Seen(found=found, votes=looked.votes, took_ms=round(took_ms, 4))


def _finding(rule: str, category: str, confidence: float) -> Finding:
    return Finding(id="", rule=rule, category=category, severity=Severity.INFO, confidence=confidence, message="")
