"""How far the reader's owner has acknowledged a writer's frames, kept in a small file replaced atomically."""

import os
from pathlib import Path

from .entries import Position
from .layout import CURSOR


def load_cursor(folder: Path) -> Position:
    """The acknowledged position of this writer; the very beginning when there is none or it cannot be read.

    A lost cursor costs frames read twice, never a frame: the store is idempotent.
    """
    beginning = Position(writer=folder.name, segment=0, offset=0)
    try:
        words = (folder / CURSOR).read_text("ascii").split()
        segment, offset = (int(word) for word in words)
    except (OSError, ValueError):
        return beginning
    return Position(writer=folder.name, segment=segment, offset=offset) if min(segment, offset) >= 0 else beginning


def save_cursor(folder: Path, position: Position) -> bool:
    """Replace the cursor; False when the disk has no room for it.

    Not synced: after a power loss an older cursor only means that frames are read twice.
    """
    new = folder / f"{CURSOR}.new"
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, f"{position.segment} {position.offset}\n".encode())
        finally:
            os.close(fd)
        new.replace(folder / CURSOR)
    except OSError:
        return False
    return True
