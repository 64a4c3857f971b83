"""The words after `midwatch ensemble`."""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from midwatch_core import Engine, Host, Part
from midwatch_ensemble.calibrating.labelled import read_set, used
from midwatch_ensemble.calibrating.looking import Looked, look_at_all
from midwatch_ensemble.calibrating.refitting import refitted
from midwatch_ensemble.calibration import Calibration
from midwatch_ensemble.commanding.telling import lines_of, row_of
from midwatch_ensemble.lexicon import Lexicon
from midwatch_ensemble.shelf import SHIPPED, Shelf


def run(host: Host, words: Sequence[str]) -> int:
    """Run `calibrations`, `use` or `calibrate`; 0 where all went well. Raises MidwatchError."""
    told = _parser().parse_args(words)
    shelf = Shelf(host.home)
    if told.verb == "calibrations":
        return _list(shelf)
    if told.verb == "use":
        shelf.use(told.version)
        print(f"{told.version} is in use")
        return 0
    return _calibrate(host, shelf, told.sets, told.version, take=not told.only)


def _list(shelf: Shelf) -> int:
    in_use = shelf.in_use()
    for version in [SHIPPED, *shelf.versions()]:
        print(row_of(shelf.read(version), version, in_use=version == in_use))
    return 0


def _calibrate(host: Host, shelf: Shelf, paths: Sequence[Path], version: str | None, *, take: bool) -> int:
    """A new version from labelled texts, kept beside the others, and taken into use unless that is not wanted."""
    sets = [(path, read_set(path)) for path in paths]
    rows = [row for _, found in sets for row in found]
    if {row.label for row in rows} != {0, 1}:
        print("ensemble: a calibration needs attacks and harmless texts")
        return 1
    before, now = shelf.current(), host.clock.now()
    looked = asyncio.run(_look(host, [(row.text, row.part) for row in rows]))
    lexicon = Lexicon.shipped()
    made = Calibration(
        version=version or now.astimezone(UTC).strftime("%Y%m%d-%H%M%S"),
        made_at=now,
        about=f"made from {len(rows)} texts, beginning with {before.version}",
        lexicon=lexicon.version,
        sets=tuple(used(path, found) for path, found in sets),
        fits=tuple(refitted(before.fits, rows, looked, lexicon)),
    )
    path = shelf.add(made)
    if take:
        shelf.use(made.version)
    print("\n".join(lines_of(made)))
    print(f"kept as {path}" + ("; in use from now on" if take else f"; `ensemble use {made.version}` takes it"))
    return 0


async def _look(host: Host, texts: Sequence[tuple[str, Part]]) -> list[Looked]:
    engine = Engine.installed(home=host.home)
    return [one async for one in look_at_all(engine, texts)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="midwatch ensemble", description="What weighs rules and models together.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("calibrations", help="All versions, and which one is in use.")
    use = verbs.add_parser("use", help="Take a version into use; a running house follows.")
    use.add_argument("version", metavar="VERSION", help=f"One of the list; `{SHIPPED}` goes back to the beginning.")
    calibrate = verbs.add_parser("calibrate", help="Make a version from labelled texts (`midwatch ml export`).")
    calibrate.add_argument(
        "--sets", nargs="+", type=Path, required=True, metavar="FILE", help='Lines of {"text": …, "label": 0 or 1}.'
    )
    calibrate.add_argument("--version", metavar="NAME", help="Default: the moment.")
    calibrate.add_argument("--only", action="store_true", help="Keep it, and go on with the one in use.")
    return parser
