"""Names that tenants used for the first time, told; and what was seen, kept over restarts in a file of the home."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from midwatch_anomaly.newness import Kept, Newness, NewnessLimits, dumped, new_alert
from midwatch_core import Alert, Exchange

logger = logging.getLogger(__name__)

# A file that is longer is not ours.
_MOST_BYTES = 64 * 1024**2


class SeenNames:
    """Newness with its file, which is replaced in one step."""

    def __init__(self, folder: Path, limits: NewnessLimits) -> None:
        self._file = folder / "names"
        self._fresh = folder / ".names"
        self._newness = Newness(limits)

    def take(self, exchanges: Iterable[Exchange], now: datetime) -> Iterator[Alert]:
        """The alerts of what is new in these."""
        for exchange in exchanges:
            for new in self._newness.take(exchange, now.timestamp()):
                yield new_alert(new, now)

    def follow(self, limits: NewnessLimits) -> None:
        """Go by other limits."""
        self._newness.follow(limits)

    def forget(self, tenant: str) -> None:
        """Remember nothing of a tenant; the file still does, until `save`."""
        self._newness.forget(tenant)

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

    async def save(self) -> None:
        """Write the file anew. Raises OSError."""
        rows: dict[str, Kept] = {}
        for some in self._newness.rows():
            rows |= some
            await asyncio.sleep(0)
        await asyncio.to_thread(self._write, rows)

    def _write(self, rows: Mapping[str, Kept]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fresh.write_bytes(dumped(rows))
        self._fresh.replace(self._file)

    async def forget_at_home(self, tenant: str) -> None:
        """Take a tenant out of the file, which nobody has in use. Raises OSError.

        Of one that can't be read nobody knows whose it is: it goes.
        """
        await asyncio.to_thread(self.load)
        self.forget(tenant)
        self.drop_bad()
        if self._file.exists():
            await self.save()
        else:
            self._fresh.unlink(missing_ok=True)

    def drop_bad(self) -> None:
        """Delete what was set aside. Raises OSError."""
        self._file.with_suffix(".bad").unlink(missing_ok=True)

    def _set_aside(self) -> None:
        try:
            self._file.replace(self._file.with_suffix(".bad"))
        except OSError as error:
            logger.warning("anomaly: %s stays where it is: %s", self._file, error)
