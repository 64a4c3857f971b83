"""`python -m benchmarks.quality`: measure rules, models and the ensemble on the labelled sets, and write the tables.

Run it where the extra `ml` is installed: `uv run --extra ml python -m benchmarks.quality`. With `--make VERSION` the
lexicon and the calibration that are shipped are made anew first (half an hour); `--further` names folders of harmless
texts to teach from besides (docs/ensemble.md says which ones were used).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.pages import write_tables
from benchmarks.quality.judges import judges
from benchmarks.quality.labelled import rows_of, set_files
from benchmarks.quality.latency import latency_table
from benchmarks.quality.making import make
from benchmarks.quality.seen import Sight
from benchmarks.quality.tabling import PAGE, set_table, unseen_table
from benchmarks.quality.validating import VOTERS, Corpus

HERE = Path(__file__).parent


async def run(args: argparse.Namespace) -> int:
    """See all texts, make what is to be made, and write the tables."""
    files = set_files()
    if not files:
        print("No labelled sets found: MIDWATCH_DATA names their folder.", file=sys.stderr)
        return 2
    sight = Sight(args.seen)
    if args.make:
        paths = set_files([HERE, *args.further])
        rows = [row for file in paths for row in rows_of(file)]
        make(Corpus.of(rows, await sight.see(rows)), paths, args.make)
    rows = [row for file in files for row in rows_of(file)]
    seen = await sight.see(rows)
    by = judges({voter for one in seen for voter in one.votes})
    tables = {
        "ensemble": list(set_table([file.stem for file in files], rows, seen, by)),
        "unseen": list(unseen_table("+".join(VOTERS[-1]))),
        "latency": list(await latency_table(rows)),
    }
    for lines in tables.values():
        print("\n".join(lines), end="\n\n")
    write_tables(PAGE, tables)
    return 0


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--make", metavar="VERSION", help="make the shipped lexicon and calibration anew")
    parser.add_argument(
        "--further", nargs="*", type=Path, default=[], metavar="DIR", help="harmless texts to teach from"
    )
    parser.add_argument(
        "--seen",
        type=Path,
        default=Path(tempfile.gettempdir()) / "midwatch-quality-seen.jsonl",
        metavar="FILE",
        help="what was seen in texts, kept for the next run; delete it when rules or models have changed",
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
