"""Where things lie in a journal: one folder a writer, numbered segments, and the files beside them.

<root>/<writer id>/000001.seg   frames, in the order they were written
<root>/<writer id>/lock         held with flock by the writer for as long as it lives
<root>/<writer id>/cursor       how far the reader's owner has acknowledged
<root>/<writer id>/reserve      blocks kept aside for frames without texts
<root>/dead/000001.seg          dead letters
<root>/reader.lock              held by the one reader
<root>/slices                   which frames the reader handed out together
"""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from .errors import JournalError

LOCK = "lock"
CURSOR = "cursor"
RESERVE = "reserve"
READER_LOCK = "reader.lock"
SLICES = "slices"
DEAD = "dead"

_WRITER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_SEGMENT = re.compile(r"(\d{6,18})\.seg")


def new_writer_id(name: str = "w0") -> str:
    """An id for this process's writer, never used before: the worker's name, the process and the time in ns."""
    return f"{name}-{os.getpid()}-{time.time_ns()}"


def checked_writer_id(writer: str) -> str:
    """The id itself when it can be a folder's name; raises JournalError when it cannot."""
    if writer == DEAD or not _WRITER_ID.fullmatch(writer):
        raise JournalError(
            f"writer id {writer!r} must be 1 to 128 of A-Z a-z 0-9 _ . -, not begin with . and not be {DEAD!r}"
        )
    return writer


def private_folder(path: Path) -> Path:
    """Make the folder (0700) and those above it; raises JournalError when that is impossible."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"journal folder {path}: {error.strerror}") from error
    return path


def segment_path(folder: Path, number: int) -> Path:
    """The file of a folder's segment with this number (from 1)."""
    return folder / f"{number:06d}.seg"


def segment_numbers(folder: Path) -> list[int]:
    """The numbers of the segments present, ascending; none when the folder is gone."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    return sorted(int(match[1]) for name in names if (match := _SEGMENT.fullmatch(name)))


def writer_ids(root: Path) -> list[str]:
    """The writers whose folders are present, in the order of their names."""
    found: list[str] = []
    with suppress(OSError), os.scandir(root) as entries:
        found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(name for name in found if name != DEAD and _WRITER_ID.fullmatch(name))


def used_bytes(root: Path) -> int:
    """The bytes in the files of all folders of the root, reserves left out: what the bound is held against."""
    total = 0
    for name in (*writer_ids(root), DEAD):
        # A folder, or a file of it, may go away at any moment: the reader deletes what was acknowledged.
        with suppress(OSError), os.scandir(root / name) as entries:
            for entry in entries:
                if entry.name != RESERVE:
                    with suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
