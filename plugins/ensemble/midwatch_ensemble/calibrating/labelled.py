"""Labelled texts in JSON lines, such as `midwatch ml export` writes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midwatch_core import ConfigError, Part
from midwatch_ensemble.calibration import SetUsed

_LONGEST_LINE = 16 * 1024 * 1024
_MOST = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text, 1 for an attack or 0, where it stood in a call, and its set."""

    text: str
    label: int
    part: Part
    name: str


def read_set(path: Path) -> list[Labelled]:
    """The labelled texts of a file; those with a label of null are passed over. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            return list(_rows(file.readline, path))
    except OSError as error:
        raise ConfigError(f"--sets {path}: {error.strerror}") from error


def used(path: Path, rows: Sequence[Labelled]) -> SetUsed:
    """What a calibration says of a set. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"--sets {path}: {error.strerror}") from error
    attacks = sum(row.label for row in rows)
    return SetUsed(name=path.stem, sha256=digest, attacks=attacks, harmless=len(rows) - attacks)


def _rows(readline: Callable[[int], bytes], path: Path) -> Iterator[Labelled]:
    for number in range(1, _MOST + 1):
        if not (line := readline(_LONGEST_LINE)):
            return
        if line.strip() and (row := _row(line, f"{path}:{number}", path.stem)) is not None:
            yield row


def _row(line: bytes, place: str, name: str) -> Labelled | None:
    try:
        row = json.loads(line)
        text, label = row["text"], row["label"]
        part = Part(row.get("part") or Part.USER)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ConfigError(f'{place}: expected {{"text": …, "label": 0 or 1, "part": …}}: {error}') from error
    if label is None:
        return None
    if not isinstance(text, str) or label not in (0, 1):
        raise ConfigError(f'{place}: expected {{"text": …, "label": 0 or 1, "part": …}}')
    return Labelled(text=text, label=int(label), part=part, name=name)
