"""Writing exchanges to the journal, and telling how that goes."""

import logging
from typing import Literal

from midwatch_core.frame import encode
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_journal import JournalState, JournalWriter

logger = logging.getLogger(__name__)

# How long the last bytes of an answer are held for the journal's write(2); after that they go, counted as late.
WAIT_S = 0.05
JOURNAL_FULL = "Midwatch cannot keep a record of this call, and is told to refuse it then: its disk is full."


class Journalist:
    """Hands exchanges to the journal's writer and waits, shortly, until they are out of this process."""

    def __init__(self, writer: JournalWriter, *, when_full: Literal["pass", "refuse"] = "pass") -> None:
        self._writer = writer
        self._when_full = when_full
        self._released = 0

    @property
    def refuses(self) -> bool:
        """Whether calls are to be refused now: nothing of them could be kept, and that is what was asked for."""
        return self._when_full == "refuse" and self._writer.state is JournalState.FULL

    def write(self, exchange: Exchange) -> None:
        """Journal an exchange. Returns when the kernel has it, or after WAIT_S."""
        if not self._writer.append(encode(exchange)).wait(WAIT_S):
            self._released += 1
            if self._released & (self._released - 1) == 0:  # 1st, 2nd, 4th, …: a storm must not fill the log
                logger.warning("the journal is slow: %d answers were released before they were kept", self._released)

    def report(self, metrics: Metrics) -> None:
        """Put the writer's counters among the metrics."""
        stats = self._writer.stats()
        metrics.set("midwatch_journal_frames_total", stats.frames)
        metrics.set("midwatch_journal_bytes_total", stats.bytes)
        metrics.set("midwatch_journal_late_total", stats.late_waits)
        metrics.set("midwatch_journal_slim_total", stats.slim)
        metrics.set("midwatch_journal_dropped_total", stats.dropped)
        metrics.set("midwatch_journal_write_errors_total", stats.write_errors)
        metrics.set("midwatch_journal_queued_bytes", stats.queued_bytes)
