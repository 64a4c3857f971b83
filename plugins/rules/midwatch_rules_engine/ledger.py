"""The ledger: the tools that were seen, one JSON array a line in the home's `tools-seen.json`, hashes alone.

Every process appends what is new to it and reads what others appended; control writes it anew when it starts, which
drops what is forgotten. Its counterpart in memory is `tools_seen`.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from midwatch_rules_engine.tools_seen import Seen

logger = logging.getLogger(__name__)
# Some 70,000 definitions: beyond, nothing is appended until control starts again.
_MOST_BYTES = 8 * 1024 * 1024
_LONGEST_HASH = 64


class Ledger:
    """The file, as far as this process has read it. A disk that fails costs the memory of a restart, no call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] = (0, 0)
        self._read_bytes = 0
        self._failing = False

    def news(self) -> list[Seen]:
        """What was appended since the last time; all of it where the file was replaced."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self._file or status.st_size < self._read_bytes:
                    self._file, self._read_bytes = (status.st_dev, status.st_ino), 0
                file.seek(self._read_bytes)
                data = file.read(_MOST_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            return self._failed(error)
        whole = data.rfind(b"\n") + 1
        self._read_bytes += whole
        return list(_read(data[:whole]))

    def append(self, seen: Iterable[Seen]) -> None:
        """Add lines, in one write."""
        lines = _written(seen)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if lines and os.fstat(descriptor).st_size + len(lines) <= _MOST_BYTES:
                    os.write(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._failed(error)

    def replace(self, seen: Iterable[Seen]) -> None:
        """Write the file anew, in one step; an absent one stays absent."""
        if not self._path.exists():
            return
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123  # an open descriptor, not a path
                file.write(_written(seen))
            fresh.replace(self._path)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> list[Seen]:
        if not self._failing:
            self._failing = True
            logger.warning("tools that were seen can't be kept: %s: %s", self._path, error.strerror)
        return []


def _written(seen: Iterable[Seen]) -> bytes:
    return "".join(json.dumps([item.tool, item.definition, item.client]) + "\n" for item in seen).encode()


def _read(data: bytes) -> Iterator[Seen]:
    """The lines that are whole; one that a crash has torn, or that is none of ours, is passed over."""
    for line in data.splitlines():
        try:
            tool, definition, client = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        if all(isinstance(item, str) and len(item) <= _LONGEST_HASH for item in (tool, definition, client)):
            yield Seen(tool, definition, client)
