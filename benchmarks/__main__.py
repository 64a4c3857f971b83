"""`python -m benchmarks`: run the benchmarks, print one table, exit 1 if a target was missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from benchmarks.row import Row, table
from benchmarks.rows import BENCHMARKS
from benchmarks.session import ROOT, open_session

BY_NAME = ("patches", "soak")
"""Long ones, which are run when they are named."""


async def run(args: argparse.Namespace) -> list[Row]:
    """Run the chosen benchmarks one after the other."""
    rows: list[Row] = []
    async with open_session(runs=args.runs, scale=args.scale, suite=args.suite) as session:
        for name in args.only or [name for name in BENCHMARKS if name not in BY_NAME]:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += await BENCHMARKS[name](session)
    return rows


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "only",
        nargs="*",
        metavar="NAME",
        help=f"of: {', '.join(BENCHMARKS)} (default: all but {' and '.join(BY_NAME)})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs a host, of which the median counts")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full load, for a quick look")
    parser.add_argument(
        "--suite", action=argparse.BooleanOptionalAction, default=(ROOT / "run.py").exists(), help="measure run.py too"
    )
    args = parser.parse_args(words)
    if unknown := set(args.only) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return args


def main() -> int:
    """Entry point."""
    args = parse()
    rows = asyncio.run(run(args))
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False) + "\n")
    return 1 if any(row.ok is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
