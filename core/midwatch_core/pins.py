"""Clients that refused our certificate for a host: remembered for a time, a small pure state machine.

One address may have many programs, of which one pins its certificates: a pin holds for a client address, a host and
the fingerprint of the ClientHello, and where it is known for the process.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from midwatch_core.model.content import Json

MOST_PINS = 1000
_MAX_TEXT = 300
_FIELDS = ("client", "host", "fingerprint")

type PinKey = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A client that refused our certificate for a host. `why` is what it said, `until` when it is asked again."""

    client: str
    host: str
    fingerprint: str
    until: datetime
    why: str = ""
    process: str | None = None

    @property
    def key(self) -> PinKey:
        """What makes it another pin."""
        return self.client, self.host, self.fingerprint, self.process


class Pins:
    """Keeps at most MOST_PINS; those that end first make room."""

    def __init__(self, pins: Iterable[Pin] = ()) -> None:
        self._pins: dict[tuple[str, str, str], dict[str | None, Pin]] = {}
        self._count = 0
        for pin in pins:
            self.add(pin)

    def add(self, pin: Pin) -> bool:
        """Remember; whether that is news."""
        same = self._pins.setdefault(pin.key[:3], {})
        before = same.get(pin.process)
        if before is None:
            self._count += 1
        if before is None or before.until < pin.until:
            same[pin.process] = pin
        if self._count > MOST_PINS:
            self._remove(min(self.all(), key=lambda item: item.until))
        return before is None

    def held(self, client: str, host: str, fingerprint: str, now: datetime) -> tuple[Pin, ...]:
        """The pins of a client's programs that look alike, and have not ended."""
        same = self._pins.get((client, host, fingerprint))
        return tuple(pin for pin in same.values() if pin.until > now) if same else ()

    def forget(self, *, host: str | None = None, client: str | None = None) -> int:
        """Forget those of a host, of a client, or all; how many went."""
        gone = [pin for pin in self.all() if host in (None, pin.host) and client in (None, pin.client)]
        for pin in gone:
            self._remove(pin)
        return len(gone)

    def end(self, now: datetime) -> int:
        """Forget those whose time is over; how many went."""
        gone = [pin for pin in self.all() if pin.until <= now]
        for pin in gone:
            self._remove(pin)
        return len(gone)

    def discard(self, pin: Pin) -> None:
        """Forget one, if it is there."""
        if pin.process in self._pins.get(pin.key[:3], {}):
            self._remove(pin)

    def all(self) -> list[Pin]:
        """All, in the order in which they came."""
        return [pin for same in self._pins.values() for pin in same.values()]

    def _remove(self, pin: Pin) -> None:
        same = self._pins[pin.key[:3]]
        del same[pin.process]
        self._count -= 1
        if not same:
            del self._pins[pin.key[:3]]


def pin_row(pin: Pin) -> dict[str, Json]:
    """A pin as JSON values; `until` is ISO 8601."""
    return {
        "host": pin.host,
        "client": pin.client,
        "process": pin.process,
        "fingerprint": pin.fingerprint,
        "why": pin.why,
        "until": pin.until.isoformat(),
    }


def pin_of(row: Mapping[str, Any]) -> Pin:
    """The pin of a row. Raises KeyError, TypeError, ValueError or AttributeError where it is none."""
    told = {name: str(row[name])[:_MAX_TEXT] for name in _FIELDS}
    until = datetime.fromisoformat(row["until"])
    if not all(told.values()) or until.tzinfo is None:
        raise ValueError("no pin: a client, a host and a fingerprint are needed, and a moment with a time zone")
    process = row.get("process")
    why = str(row.get("why") or "")[:_MAX_TEXT]
    return Pin(**told, until=until, why=why, process=None if process is None else str(process)[:_MAX_TEXT])
