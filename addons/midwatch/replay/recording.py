"""Which kind of recording a file is, by its first bytes: names tell little, and `.json` tells nothing."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from midwatch.replay.export_line import ExportReader, read_lines
from midwatch.replay.flow_file import read_flows
from midwatch.replay.found import Found, RecordingError
from midwatch.replay.har_file import read_har

_HEAD_BYTES = 4096
_FLOW = re.compile(rb"\d{1,12}:")
_HAR = re.compile(rb'\s*\{\s*"log"\s*:')
_LINE = re.compile(rb"\s*\{")


class Kind(StrEnum):
    """What can be replayed."""

    HAR = "har"
    FLOWS = "mitmproxy"
    LINES = "jsonl"


def kind_of(path: Path) -> Kind:
    """The kind of a file. Raises RecordingError for one that can't be read or is none of them."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    for kind, pattern in ((Kind.FLOWS, _FLOW), (Kind.HAR, _HAR), (Kind.LINES, _LINE)):
        if pattern.match(head):
            return kind
    raise RecordingError(
        f"{path}: neither a HAR file, nor flows that mitmproxy saved, nor an export of ours (`traces export`)"
    )


def read_recording(path: Path, kind: Kind, exports: ExportReader) -> Iterator[Found]:
    """The entries of a file. Raises RecordingError."""
    if kind is Kind.FLOWS:
        return read_flows(path)
    return read_har(path, exports) if kind is Kind.HAR else read_lines(path, exports)
