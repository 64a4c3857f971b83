"""Measures the shipped rule packs and the plugin `pii` on the labelled sets, and writes the tables into quality.md.

    make quality        (MIDWATCH_DATA names the folder of the sets; ../shared/data if not set)

Each set is parted in two: the rules were revised with the misses of one half in view, the other is held out. What
each script counts is said there: quality_rules.py, quality_pii.py; how sets are parted: quality_sets.py.
"""

from collections.abc import Iterator
from pathlib import Path

import quality_pii
import quality_rules
from quality_sets import data_folder, labelled_sets

PAGE = Path(__file__).with_name("quality.md")


def main() -> None:
    """Measure everything, print the tables and put them into the page."""
    files = labelled_sets(data_folder())
    if not files:
        print("No labelled sets found: skipped. MIDWATCH_DATA names their folder.")
        return
    page = PAGE.read_text(encoding="utf-8")
    for name, lines in tables(files):
        page = replaced(page, name, lines)
        print("\n".join(lines), end="\n\n")
    PAGE.write_text(page, encoding="utf-8")


def tables(files: list[Path]) -> Iterator[tuple[str, list[str]]]:
    """Each table's name in the page, and its lines."""
    rules = quality_rules.shipped()
    sets = [quality_rules.measured(file, rules) for file in files]
    yield "sets", list(quality_rules.table(sets))
    yield "rules", list(quality_rules.rule_table(sets))
    for file in sorted(data_folder().glob("pii/*.jsonl")):
        yield "pii", list(quality_pii.table(quality_pii.measured(file)))


def replaced(page: str, name: str, lines: list[str]) -> str:
    """The page with what stands between a table's two marks replaced. Raises ValueError if it has no such marks."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in page or end not in page:
        raise ValueError(f"{PAGE.name}: no marks {begin.strip()} and {end}")
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}" + "\n".join(lines) + f"\n{end}{tail}"


if __name__ == "__main__":
    main()
