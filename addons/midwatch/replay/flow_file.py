"""Flows as mitmproxy saves them (`mitmdump -w`, mitmweb's File → Save), one in memory at a time.

mitmproxy's own reader ends at the first flow that it can't read. Each flow stands in the file as one netstring with its
length before it (https://github.com/mitmproxy/mitmproxy/blob/main/mitmproxy/io/tnetstring.py), so that the next one is
found where a flow makes no sense; where the lengths themselves make none, nothing more is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mitmproxy import exceptions, http
from mitmproxy import flow as flows
from mitmproxy.io import compat, tnetstring

from midwatch.replay.found import Broken, Found, Passed, Recorded, RecordingError

# One flow, with both its bodies.
MAX_FLOW_BYTES = 512 * 1024 * 1024
_LONGEST_PREFIX = 13


class _LostError(ValueError):
    """Where the next flow begins can't be told."""


def read_flows(path: Path) -> Iterator[Found]:
    """The flows of a file, in its order. Raises RecordingError where it can't be read."""
    try:
        with path.open("rb") as file:
            yield from _flows(file)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error


def _flows(file: BinaryIO) -> Iterator[Found]:
    number = 0
    while True:
        number += 1
        place = f"flow {number} at byte {file.tell()}"
        try:
            frame = _frame(file)
        except _LostError as error:
            yield Broken(place=place, reason=f"{error}; the rest of the file can't be read")
            return
        if frame is None:
            return
        yield _found(frame, place)


def _frame(file: BinaryIO) -> bytes | None:
    """The next flow's bytes, without its length; None at the end of the file. Raises _LostError."""
    prefix = b""
    while (char := file.read(1)).isdigit() and len(prefix) < _LONGEST_PREFIX:
        prefix += char
    if not prefix and not char:
        return None
    if char != b":" or not prefix:
        raise _LostError("no length of a flow is here")
    length = int(prefix)
    if length > MAX_FLOW_BYTES:
        raise _LostError(f"a flow of {length:,} bytes is larger than {MAX_FLOW_BYTES:,}")
    frame = file.read(length + 1)
    if len(frame) <= length:
        raise _LostError("the file ends within a flow")
    return frame


def _found(frame: bytes, place: str) -> Found:
    try:
        state = tnetstring.parse(frame[-1], memoryview(frame)[:-1])
        if not isinstance(state, dict):
            raise ValueError("not a flow's state")
        flow = flows.Flow.from_state(compat.migrate_flow(state))
    except exceptions.FlowReadException as error:
        return Broken(place=place, reason=str(error)[:300])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError) as error:
        return Broken(place=place, reason=f"not a flow: {type(error).__name__}: {error}"[:300])
    if not isinstance(flow, http.HTTPFlow):
        return Passed(place=place)
    flow.metadata.clear()  # what other addons noted there means nothing here
    return Recorded(place=place, flow=flow)
