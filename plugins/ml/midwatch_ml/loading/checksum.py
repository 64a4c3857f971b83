"""Whether weights are those that were asked for."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish


def checksum_of(files: Sequence[Path]) -> str:
    """SHA-256, hexadecimal: of one file; of several, over their contents in order. Raises OSError."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(1024 * 1024):
                digest.update(piece)
    return digest.hexdigest()


def checked(wish: Wish, files: Sequence[Path]) -> str:
    """The checksum of the weights. Raises ModelError where another one was asked for, or they can't be read."""
    try:
        found = checksum_of(files)
    except OSError as error:
        raise refused(wish.id, f"{files[0]}: {error.strerror}") from error
    if wish.checksum not in (None, found):
        raise refused(
            wish.id,
            f"checksum: {files[0]} has {found}, the settings name {wish.checksum}: these are other weights;"
            " look where they come from, and name their checksum",
        )
    return found
