"""Names that tenants used for the first time, told; and what was seen, kept over restarts in a file of the home."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from midwatch_anomaly.newness import Newness, NewnessLimits, new_alert
from midwatch_core import Alert, Exchange

logger = logging.getLogger(__name__)

# A file that is longer is not ours.
_MOST_BYTES = 64 * 1024**2


class SeenNames:
    """Newness with its file, which is replaced in one step."""

    def __init__(self, folder: Path, limits: NewnessLimits) -> None:
        self._file = folder / "names"
        self._newness = Newness(limits)

    def take(self, exchanges: Iterable[Exchange], now: datetime) -> Iterator[Alert]:
        """The alerts of what is new in these."""
        for exchange in exchanges:
            for new in self._newness.take(exchange, now.timestamp()):
                yield new_alert(new, now)

    def follow(self, limits: NewnessLimits) -> None:
        """Go by other limits."""
        self._newness.follow(limits)

    def load(self) -> None:
        """Read the file; one that can't be read is renamed, and all is new again for as long as the warm-up takes."""
        try:
            with self._file.open("rb") as file:
                self._newness.load(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            logger.warning("anomaly: %s can't be read, names are learned anew: %s", self._file, error)
            self._set_aside()

    def dump(self) -> bytes:
        """What was seen, for `write`."""
        return self._newness.dump()

    def write(self, data: bytes) -> None:
        """Replace the file. Raises OSError."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._file.with_name(".names")
        fresh.write_bytes(data)
        fresh.replace(self._file)

    def _set_aside(self) -> None:
        try:
            self._file.replace(self._file.with_suffix(".bad"))
        except OSError as error:
            logger.warning("anomaly: %s stays where it is: %s", self._file, error)
