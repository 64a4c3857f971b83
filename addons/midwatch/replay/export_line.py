"""Our own exports: lines of `traces export` and `traces show --json`, and what of them stands in our HAR files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from midwatch.replay.found import Broken, Found, Kept, RecordingError
from midwatch_core.frame import FrameDecoder, FrameError

# A line holds one exchange, which control sends as one line too.
MAX_LINE_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
# Some editors begin a file with it.
_MARK = b"\xef\xbb\xbf"


class ExportReader:
    """Exchanges from the documents they were exported as. Making one compiles validators: keep it."""

    def __init__(self) -> None:
        self._decoder = FrameDecoder()

    def read(self, line: Mapping[str, Any], place: str) -> Found:
        """The exchange that a line holds under `exchange`."""
        document = line.get("exchange")
        if not isinstance(document, dict):
            return Broken(place=place, reason="no exchange is in it: `traces export` writes what can be replayed")
        try:
            exchange = self._decoder.restore(document)
            if str(UUID(exchange.id)) != exchange.id:
                raise ValueError(f"the id {exchange.id} is not written as ids are")
        except (FrameError, ValueError) as error:
            return Broken(place=place, reason=" ".join(str(error).split()))
        if exchange.started_at.tzinfo is None:
            return Broken(place=place, reason=f"started_at {exchange.started_at} names no time zone")
        return Kept(place=place, exchange=exchange)


def read_lines(path: Path, exports: ExportReader) -> Iterator[Found]:
    """The exchanges of a file of lines, one line in memory at a time. Raises RecordingError where it can't be read."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                if not line.endswith(b"\n") and len(line) == MAX_LINE_BYTES:
                    while (more := file.readline(_PIECE_BYTES)) and not more.endswith(b"\n"):
                        pass
                    yield Broken(place=f"line {number}", reason=f"longer than {MAX_LINE_BYTES:,} bytes")
                elif (line := line.removeprefix(_MARK)).strip():
                    yield _found(line, f"line {number}", exports)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error


def _found(line: bytes, place: str, exports: ExportReader) -> Found:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Broken(place=place, reason=f"not JSON: {error}")
    if not isinstance(document, dict):
        return Broken(place=place, reason="not an object")
    return exports.read(document, place)
