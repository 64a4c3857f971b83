"""`python -m tests.fuzz TARGET [libFuzzer's options]`: fuzz one target, as docs/fuzzing.md says."""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

TARGETS = ("decompression", "eventstream", "sse", "websocket")


def main() -> None:
    """Fuzz until libFuzzer ends, as its options say (`-max_total_time=600`), or at the first fault.

    Files among the options are run again instead.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--corpus", type=Path, help="where inputs are kept from run to run (default: nowhere)")
    args, options = parser.parse_known_args()
    try:
        atheris: Any = importlib.import_module("atheris")
    except ModuleNotFoundError:
        parser.error("atheris is not installed; docs/fuzzing.md says how to bring it")
    with atheris.instrument_imports(include=["midwatch_core.wire"]):
        target = importlib.import_module(f"tests.fuzz.{args.target}")
    again = [option for option in options if not option.startswith("-")]
    with tempfile.TemporaryDirectory() as folder:
        corpus = args.corpus or Path(folder)
        plant(target, corpus)
        atheris.Setup([sys.argv[0], *options, *([] if again else [str(corpus)])], target.one)
        atheris.Fuzz()


def plant(target: ModuleType, corpus: Path) -> None:
    """Write a target's seeds where libFuzzer looks for them."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number:03}").write_bytes(seed)


if __name__ == "__main__":
    main()
