"""One file after the other: its entries told apart, its calls sent on, and what became of each counted."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midwatch.replay.adopting import adopted
from midwatch.replay.calls import CallReader
from midwatch.replay.export_line import ExportReader
from midwatch.replay.found import Broken, Found, Kept, Recorded
from midwatch.replay.recording import Kind, read_recording
from midwatch.replay.whose import Whose
from midwatch_core.frame import encode
from midwatch_core.guarded import Guard
from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealers

# Broken entries of one file that are named.
MOST_NAMED = 1000


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a file held: calls by dialect, other entries, and broken ones, of which the first are named."""

    file: Path
    kind: Kind
    calls: Counter[str] = field(default_factory=Counter)
    others: int = 0
    broken: int = 0
    named: list[Broken] = field(default_factory=list)

    def broke(self, entry: Broken) -> None:
        """An entry could not be read."""
        self.broken += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(entry)

    def as_json(self) -> dict[str, Any]:
        """The tally as JSON values."""
        return {
            "file": str(self.file),
            "kind": self.kind.value,
            "calls": self.calls.total(),
            "by_dialect": dict(sorted(self.calls.items())),
            "others": self.others,
            "broken": self.broken,
            "named": [{"place": item.place, "reason": item.reason} for item in self.named],
        }


class Replayer:
    """Reads recordings and hands their calls on, as frames of the journal, in the order of the file."""

    def __init__(
        self, reader: CallReader, whose: Whose, sealers: Sealers, guard: Guard, send: Callable[[bytes], None]
    ) -> None:
        """`send` may raise: then the replay ends there."""
        self._reader = reader
        self._whose = whose
        self._sealers = sealers
        self._guard = guard
        self._send = send
        self._exports = ExportReader()

    def replay(self, file: Path, kind: Kind) -> Tally:
        """Replay a file. Raises RecordingError where it is none as a whole."""
        tally = Tally(file=file, kind=kind)
        for found in read_recording(file, kind, self._exports):
            if isinstance(found, Broken):
                tally.broke(found)
                continue
            outcome = self._guard.call("replay.read", self._frames, found)
            if not outcome.ok:
                reason = f"{type(outcome.error).__name__}: {outcome.error}"
                tally.broke(Broken(place=found.place, reason=reason[:300]))
                continue
            tally.others += not outcome.value
            for dialect, frame in outcome.value:
                self._send(frame)
                tally.calls[dialect] += 1
        return tally

    def _frames(self, found: Found) -> list[tuple[str, bytes]]:
        return [(exchange.endpoint.dialect, encode(exchange)) for exchange in self._exchanges(found)]

    def _exchanges(self, found: Found) -> Iterable[Exchange]:
        if isinstance(found, Kept):
            return [adopted(found.exchange, self._whose, self._sealers)]
        return self._reader.calls(found.flow) if isinstance(found, Recorded) else []
