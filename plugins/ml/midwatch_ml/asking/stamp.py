"""Whether a model's files are still those that were loaded."""

from pathlib import Path

type Stamp = tuple[tuple[str, int, int], ...]

_MOST = 1000


def stamp_of(folder: Path | None) -> Stamp:
    """Name, size and moment of change of the files in a folder; empty for what does not change under one's feet."""
    if folder is None:
        return ()
    try:
        files = sorted(path for pattern in ("*", "onnx/*") for path in folder.glob(pattern))[:_MOST]
        stats = [(str(path.relative_to(folder)), path.stat()) for path in files]
    except OSError:  # it is being replaced: another stamp than any
        return (("", 0, 0),)
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
