"""What a process prints: to the log, line by line, and no more than a log can bear."""

import asyncio
import logging
import time

logger = logging.getLogger(__name__)
_LINE_BYTES = 500
_LINES_A_SECOND = 20
_PIECE_BYTES = 65536


async def log_what_is_printed(stream: asyncio.StreamReader, name: str) -> None:
    """Log a stream's lines under the process' name, until its end.

    Long lines are cut, and of a flood only the first of each second are kept.
    """
    log = _Log(name)
    rest = b""
    while piece := await stream.read(_PIECE_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            log.take(line)
        rest = rest[:_LINE_BYTES]
    if rest:
        log.take(rest)
    log.end()


class _Log:
    def __init__(self, name: str) -> None:
        self._name = name
        self._second = 0
        self._lines = 0
        self._lost = 0

    def take(self, line: bytes) -> None:
        """One line."""
        now = int(time.monotonic())
        if now != self._second:
            self.end()
            self._second, self._lines = now, 0
        self._lines += 1
        if self._lines > _LINES_A_SECOND:
            self._lost += 1
        elif text := line[:_LINE_BYTES].decode("utf-8", "replace").strip():
            logger.info("%s: %s", self._name, "".join(char if char.isprintable() else " " for char in text))

    def end(self) -> None:
        """Say how many were left out."""
        if self._lost:
            logger.info("%s: %d more lines", self._name, self._lost)
        self._lost = 0
