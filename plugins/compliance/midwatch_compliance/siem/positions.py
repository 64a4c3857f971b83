"""Positions: how far each sink has come, kept over restarts; a sink that is new begins with what comes next."""

import os
import tempfile
from pathlib import Path

import orjson

from midwatch_compliance.siem.spool import Position


class PositionFile:
    """One sink's place in the spool. After a death the last place that was kept counts, so events may go out twice."""

    def __init__(self, folder: Path, sink: str) -> None:
        self._file = folder / f"position-{sink}.json"

    def read(self) -> Position | None:
        """The place that was kept; None where there is none, or none that can be read."""
        try:
            document = orjson.loads(self._file.read_bytes())
            segment, offset = document["segment"], document["offset"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = isinstance(segment, int) and isinstance(offset, int) and segment >= 0 and offset >= 0
        return Position(segment, offset) if whole else None

    def write(self, position: Position) -> None:
        """Keep a place, in one step. Raises OSError."""
        document = orjson.dumps({"segment": position.segment, "offset": position.offset})
        descriptor, fresh = tempfile.mkstemp(dir=self._file.parent, prefix=".position-")
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123  # an open descriptor, not a path
                file.write(document)
            os.replace(fresh, self._file)  # noqa: PTH105  # both are names as they came
        except OSError:
            Path(fresh).unlink(missing_ok=True)
            raise
