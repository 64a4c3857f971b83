"""What waits in a journal, seen from outside: without its locks, and without handing anything out."""

from pathlib import Path

from .layout import writer_ids
from .source import Source
from .stats import ReaderTally


def waiting_bytes(root: Path) -> int:
    """The bytes of the journal at `root` that are not acknowledged; a few too many rather than too few."""
    return sum(Source(root / writer, ReaderTally()).waiting_bytes() for writer in writer_ids(root))
