"""Which incidents this home began and has not ended, and when each expires: what its next start goes on with."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import orjson

from midwatch.home import write_private

# What is larger is no list of ours: a thousand are open at a time.
_MOST_BYTES = 1024 * 1024


class IncidentNotes:
    """A small file. Other homes of the same store have incidents too: those are theirs to end."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, datetime | None]:
        """Expiries by id, as they were noted last; none where there is no file, or none that can be read."""
        try:
            with self._file.open("rb") as file:
                noted = orjson.loads(file.read(_MOST_BYTES))
            return {str(key): _moment(value) for key, value in noted.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def write(self, expiries: Mapping[str, datetime | None]) -> None:
        """Note these and no others. Raises OSError."""
        write_private(self._file, orjson.dumps(dict(expiries)))


def _moment(text: str | None) -> datetime | None:
    """Raises ValueError or TypeError for what is none, also where it has no time zone."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment
