"""The page of all decisions, from the records' own titles."""

from collections.abc import Iterator
from pathlib import Path

_RECORDS = Path(__file__).parent / "decisions"


def decisions() -> str:
    """Every record by its number: the last ones are the youngest."""
    lines = [
        "# Decisions",
        "",
        "What a later reader would question, and why it is so. This page is made from the records.",
        "",
        *_rows(),
    ]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[str]:
    for record in sorted(_RECORDS.glob("*.md")):
        title = record.read_text().partition("\n")[0].removeprefix("# ")
        number, _, words = title.partition(". ")
        yield f"- {number}: [{words}](decisions/{record.name})"
