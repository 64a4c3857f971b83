"""The labelled sets, read and parted: one half to tune on, one held out that nobody looks at while tuning.

A text's half follows from its own words alone, so it stays the same whatever else is in a set. Only the beginning
counts, without case, digits and signs: variants of one text, of which sets are full, fall into the same half.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

_BEGINNING = 40


class Half(StrEnum):
    """Which half of a set a text is in."""

    TUNING = "tuning"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A text, whether it is an attack, and its half."""

    text: str
    is_attack: bool
    half: Half


def half_of(text: str) -> Half:
    """The half of a text: a bit of the SHA-256 of its first letters."""
    letters = "".join(char for char in text.casefold() if char.isalpha())[:_BEGINNING]
    bit = hashlib.sha256(letters.encode()).digest()[0] & 1
    return Half.HELD_OUT if bit else Half.TUNING


def data_folder() -> Path:
    """Where the sets are; they are not part of the project."""
    return Path(os.environ.get("MIDWATCH_DATA", "../shared/data"))


def labelled_sets(folder: Path) -> list[Path]:
    """The files of labelled attacks and of harmless texts."""
    return sorted(folder.glob("injection/*.jsonl")) + sorted(folder.glob("benign/*.jsonl"))


def rows(file: Path) -> Iterator[Row]:
    """The texts of a labelled set."""
    for line in lines(file):
        yield Row(text=line["text"], is_attack=bool(line["label"]), half=half_of(line["text"]))


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file."""
    with file.open(encoding="utf-8") as source:
        for line in source:
            yield json.loads(line)


def share(part: int, whole: int) -> str:
    """A share to three places; a share of nothing is a dash."""
    return f"{part / whole:.3f}" if whole else "–"
