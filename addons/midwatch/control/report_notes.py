"""Which reports this home is making: written down, so that the next start knows what a death left unfinished."""

from collections.abc import Iterable
from pathlib import Path

import orjson

from midwatch.home import write_private

# What is larger is not a list of ours.
_MOST_BYTES = 64 * 1024


class ReportNotes:
    """A small file of ids. Other homes of the same store make reports too: what those have pending is theirs."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[str, ...]:
        """The ids that were noted last; none where there is no file, or none that can be read."""
        try:
            with self._file.open("rb") as file:
                ids = orjson.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError):
            return ()
        return tuple(item for item in ids if isinstance(item, str)) if isinstance(ids, list) else ()

    def write(self, ids: Iterable[str]) -> None:
        """Note these and no others. Raises OSError."""
        write_private(self._file, orjson.dumps(sorted(ids)))
