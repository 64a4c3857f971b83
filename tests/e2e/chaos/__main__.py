"""`uv run python -m tests.e2e.chaos --minutes 2 --stores production`: chaos by hand, with a table at the end."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import tempfile
from pathlib import Path

from tests.e2e.chaos.running import run


def main() -> int:
    """Every act at least once. 1 where something was lost, kept twice, or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="go on for at least so long")
    parser.add_argument("--stores", choices=("lite", "production"), default="lite")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="the order of a run before")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="midwatch-chaos-") as folder:
        verdict = asyncio.run(run(words.stores, Path(folder), seed=words.seed, minutes=words.minutes))
    print(verdict.table())
    for fault in verdict.faults:
        print(f"WRONG: {fault}")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
