"""The CA in control: has the next one take over in time, sees what others changed, and tells workers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from midwatch.home import Home
from midwatch.trust import ensure_ca, write_client_bundle
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.model.audit import AuditRecord

logger = logging.getLogger(__name__)
OPERATION = "authority"
_LOOK_S = 5.0
# What commands tell that they did.
_DONE = ("ca_import", "ca_retire", "ca_rotate")
_MOST_TOLD = 200

type Signature = tuple[tuple[int, int, int] | None, ...]


class AuthorityRoom:
    """Looks every few seconds. `tell` is awaited when workers are to read the CA again, `record` with what was done."""

    def __init__(
        self,
        home: Home,
        config: Config,
        clock: Clock,
        tell: Callable[[], Awaitable[None]],
        record: Callable[[AuditRecord], Awaitable[object]],
    ) -> None:
        self._home = home
        self._given: Sequence[Path] = config.tls.ca
        self._clock = clock
        self._tell = tell
        self._record = record
        self._said = ""
        self._seen = self._signature()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Have the next CA sign if its moment has come; where what signs changed, whoever changed it, tell."""
        try:
            await self._take_over()
            if self._signature() == self._seen:
                return
            self._publish()
        except ConfigError as error:
            self._complain(error)
            return
        self._said = ""
        await self._tell()

    async def follow(self, config: Config) -> None:
        """The configuration was read again: the CA may come from elsewhere now."""
        self._given = config.tls.ca
        await self.look()

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """`authority`: a command changed the CA, and says what it did (`did`) with which (`subject`)."""
        if message.get("did") in _DONE:
            await self._note("command line", str(message["did"]), str(message.get("subject"))[:_MOST_TOLD])
        await self.look()
        return {"authority": True}

    def _publish(self) -> None:
        """From now on, the CA of `tls.ca`, or the home's own where it names none. Raises ConfigError.

        What is bad is tried again at each look: a disk is full for a while only, and a CA begins to hold.
        """
        read = self._files()
        if self._given:
            from midwatch.trust.given import check_holds  # as in `_take_over`

            check_holds(self._given, self._clock.now())
        if self._given or self._home.given_ca_certificate.exists():
            ensure_ca(self._home, self._given)  # else the home's own is where it was, or somebody took it: none is made
        if self._home.client_bundle.exists():  # somebody was told of it
            write_client_bundle(self._home)
        self._seen = (*read, *self._published())  # what changed since it was read is seen at the next look

    def _complain(self, error: ConfigError) -> None:
        """Once, and not every few seconds."""
        if str(error) != self._said:
            logger.error("the CA in use stays: %s", error)
        self._said = str(error)

    async def _take_over(self) -> None:
        if self._given or not self._home.next_ca_file.exists():
            return
        from midwatch.trust.keeping import take_over  # cryptography is for when it is needed

        taken = take_over(self._home, self._clock.now())
        if taken is not None:
            logger.info("CA %s takes over", taken.id)
            await self._note("control", "ca_take_over", taken.id)

    async def _note(self, actor: str, action: str, subject: str) -> None:
        try:
            await self._record(AuditRecord(at=self._clock.now(), actor=actor, action=action, subject=subject))
        except StorageError as error:
            logger.error("that the CA changed could not be put on record: %s", error)

    def _signature(self) -> Signature:
        """Changes with what signs; from outside also where what is published went, by a command of another setting."""
        return (*self._files(), *self._published())

    def _files(self) -> Signature:
        return tuple(_stat(file) for file in self._given or (self._home.ca_file,))

    def _published(self) -> Signature:
        return (_stat(self._home.given_ca_certificate),) if self._given else ()


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: ~nobody
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
