"""Reading a HAR file. It is one JSON document, so that it is in memory as a whole: its size is bounded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from midwatch.replay.export_line import ExportReader
from midwatch.replay.found import Broken, Found, Passed, Recorded, RecordingError
from midwatch.replay.har_entry import EntryError, flow_of
from midwatch_core.har import OWN

MAX_BYTES = 512 * 1024 * 1024


def read_har(path: Path, exports: ExportReader) -> Iterator[Found]:
    """The entries of a HAR file, in its order. Raises RecordingError for a file that is none, or too large."""
    entries = _entries(path)
    for number in range(len(entries)):
        entry, entries[number] = entries[number], None  # its memory is free before the next is read
        yield _found(entry, f"entry {number + 1}", exports)


def _entries(path: Path) -> list[Any]:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise RecordingError(
                f"{path}: {size:,} bytes are too many for one HAR document ({MAX_BYTES:,} at most);"
                " export it in parts, or save flows (mitmdump -w), which are read one by one"
            )
        document = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        entries = document["log"]["entries"]
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise RecordingError(f"{path}: not JSON: {error}") from error
    except (KeyError, TypeError) as error:
        raise RecordingError(f"{path}: not a HAR file: it has no log.entries") from error
    if not isinstance(entries, list):
        raise RecordingError(f"{path}: not a HAR file: log.entries is no list")
    return entries


def _found(entry: Any, place: str, exports: ExportReader) -> Found:
    own = entry.get(OWN) if isinstance(entry, dict) else None
    if isinstance(own, dict):
        return exports.read(own, place)
    try:
        flow = flow_of(entry)
    except EntryError as error:
        return Broken(place=place, reason=str(error))
    return Passed(place=place) if flow is None else Recorded(place=place, flow=flow)
