"""The front door: `uv run run.py …` is the command line; `mitmdump -s run.py` makes mitmproxy a host of ours."""

import sys

if __name__ == "__main__":
    from midwatch.cli import main

    sys.exit(main())

from midwatch.script import addons

__all__ = ["addons"]
