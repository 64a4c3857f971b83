"""Tables in a page of the documentation: each stands between two marks of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def write_tables(path: Path, tables: Mapping[str, Sequence[str]]) -> None:
    """Put each table between its two marks in the page. Raises ValueError where a mark is missing."""
    page = path.read_text("utf-8")
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if begin not in page or end not in page:
            raise ValueError(f"{path.name}: no marks {begin.strip()} and {end}")
        head, _, rest = page.partition(begin)
        page = head + begin + "\n".join(lines) + f"\n{end}" + rest.partition(end)[2]
    path.write_text(page, "utf-8")
