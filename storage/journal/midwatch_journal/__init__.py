"""The append-only journal between Midwatch's workers and its control process: at least once, whoever is killed.

Workers: JournalWriter.append(payload).wait(0.05). Control: JournalReader.poll(), store, acknowledge().
"""

from .deadletters import DeadLetter, read_dead_letters
from .entries import Entry, Position
from .errors import JournalError, JournalLockedError
from .layout import new_writer_id
from .limits import JournalLimits
from .reader import JournalReader
from .stats import Depth, JournalState, JournalStats, ReaderStats
from .ticket import Outcome, Ticket
from .waiting import waiting_bytes
from .writer import JournalWriter

__all__ = [
    "DeadLetter",
    "Depth",
    "Entry",
    "JournalError",
    "JournalLimits",
    "JournalLockedError",
    "JournalReader",
    "JournalState",
    "JournalStats",
    "JournalWriter",
    "Outcome",
    "Position",
    "ReaderStats",
    "Ticket",
    "new_writer_id",
    "read_dead_letters",
    "waiting_bytes",
]
