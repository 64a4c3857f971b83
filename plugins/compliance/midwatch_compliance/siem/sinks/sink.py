"""What every sink is, and what it says when it can't."""

from collections.abc import Sequence
from typing import Protocol

from midwatch_compliance.siem.event import SiemEvent
from midwatch_core import MidwatchError


class SinkError(MidwatchError):
    """A batch did not get through. `refused`: the receiver will never take it. `wait_s` is what it asked for."""

    def __init__(self, message: str, *, refused: bool = False, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.refused = refused
        self.wait_s = wait_s


class Sink(Protocol):
    """Sends batches, one after another. `name` is what settings call it."""

    @property
    def name(self) -> str:
        """Its name in settings, metrics and files."""
        ...

    async def send(self, events: Sequence[SiemEvent]) -> None:
        """Send a batch. Raises SinkError."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
