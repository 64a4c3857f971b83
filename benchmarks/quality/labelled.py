"""Labelled texts: the sets under MIDWATCH_DATA, and those of further folders, as JSON lines of text and label."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from midwatch_core import Part

# Sets of what an agent reads; all others are what users wrote.
_READ = ("indirect_", "agentic_")
# One origin in several files, by how their names begin: left out together.
_SAME = {
    "inj_cyberseceval2": "purplellama",
    "benign_mitre_frr": "purplellama",
    "benign_real_traffic_openllmetry": "openllmetry",
    "harmless_exchanges_openllmetry": "openllmetry",
    "harmless_exchanges": "exchanges",
    "harmless_documents": "documents",
    "harmless_scaffolds": "scaffolds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text, whether it is an attack, where it stood in a call, and its set."""

    text: str
    label: int
    part: Part
    name: str

    @property
    def origin(self) -> str:
        """Whose set it is."""
        return next((origin for begin, origin in _SAME.items() if self.name.startswith(begin)), self.name)

    @property
    def key(self) -> str:
        """What it is remembered by."""
        return hashlib.sha256(f"{self.part}\0{self.text}".encode("utf-8", "surrogatepass")).hexdigest()


def data_folder() -> Path:
    """Where the sets are; they are not part of the project."""
    return Path(os.environ.get("MIDWATCH_DATA", "../shared/data"))


def set_files(further: Sequence[Path] = ()) -> list[Path]:
    """The files of the labelled sets, ours, and those of further folders."""
    data = data_folder()
    files = sorted(data.glob("injection/*.jsonl")) + sorted(data.glob("benign/*.jsonl"))
    return [*files, *(file for folder in further for file in sorted(folder.glob("*.jsonl")))]


def rows_of(file: Path) -> Iterator[Labelled]:
    """The texts of a set."""
    part = Part.TOOL_RESULT if file.stem.startswith(_READ) else Part.USER
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Labelled(text=row["text"], label=int(row["label"]), part=part, name=file.stem)
