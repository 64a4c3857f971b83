"""The file sink: a line an event, readable by its owner alone; at a size it becomes PATH.1, and so on."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from midwatch_compliance.siem.event import SiemEvent
from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.sinks.sink import SinkError


class FileSink:
    """Appends. Whoever collects the file follows it by name, as for any rotated log."""

    def __init__(self, name: str, path: Path, lines: Lines, *, max_bytes: int, keep: int) -> None:
        self.name = name
        self._path = path
        self._lines = lines
        self._max_bytes = max_bytes
        self._keep = keep

    async def send(self, events: Sequence[SiemEvent]) -> None:
        """Append a batch and see it to the disk, in a thread. Raises SinkError."""
        text = "".join(f"{self._lines.line(event)}\n" for event in events)
        try:
            await asyncio.to_thread(self._append, text.encode("utf-8", "replace"))
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror or error}") from error

    async def close(self) -> None:
        """Nothing is held open between batches."""

    def _append(self, data: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size + len(data) > self._max_bytes:
            self._rotate()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(self._path, flags, 0o600), "ab+") as file:  # noqa: PTH123  # the mode is set as it is made
            if _ends_in_half_a_line(file.fileno()):
                file.write(b"\n")
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _rotate(self) -> None:
        for number in range(self._keep, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1)) if number < self._keep else older.unlink()
        self._path.replace(self._numbered(1)) if self._keep else self._path.unlink()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _ends_in_half_a_line(file: int) -> bool:
    """A death tore the last line: what comes must not be taken for its rest."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"
