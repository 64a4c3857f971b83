"""Labelled texts in JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path

from midwatch_core import ConfigError

_LONGEST_LINE = 16 * 1024 * 1024


def labelled(path: Path) -> Iterator[tuple[int, str]]:
    """Label and text, line by line; those whose label is null are passed over. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if line.strip() and (row := _row(line, f"{path}:{number}")) is not None:
                    yield row
    except OSError as error:
        raise ConfigError(f"--sets {path}: {error.strerror}") from error


def _row(line: bytes, place: str) -> tuple[int, str] | None:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place}: not JSON: {error}") from error
    text, label = (row.get("text"), row.get("label", 0)) if isinstance(row, dict) else (None, 0)
    if not isinstance(text, str) or label not in (0, 1, None):
        raise ConfigError(f'{place}: expected {{"text": "…", "label": 0 or 1}}')
    return None if label is None else (int(label), text)
