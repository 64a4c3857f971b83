"""Reading files of /proc: what can't be read is empty."""

from pathlib import Path

_MAX_READ = 65_536


def read_text(file: Path, most: int = _MAX_READ) -> str:
    """The first `most` bytes as text; nothing where there is no such file, or it is not ours to read."""
    try:
        with file.open("rb") as opened:
            return opened.read(most).decode("utf-8", "replace")
    except OSError:
        return ""
