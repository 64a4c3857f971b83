"""The process of a scan pool: reads calls from its standard input, and ends with it, so never outlives its owner.

`python -m midwatch.pool.process`; started by `pool.spawned`, not by hand. What plugins print goes to standard error.
"""

import argparse
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch.crashing import quiet_crashes
from midwatch.home import Home
from midwatch_core.children.attached import die_before_others, take_pipes
from midwatch_core.children.frames import pack, read, write

# A plugin's `shutdown` may take this long; then the process ends in the middle of it.
_LAST_S = 2.0

type Call = tuple[dict[str, Any], bytes]
type Calls = queue.SimpleQueue[Call | None]


def main() -> int:
    """Load the plugins named, then answer calls of their hooks until the owner hangs up."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--plugin", action="append", default=[], help="whose hooks may be called; repeatable")
    words = parser.parse_args()
    quiet_crashes()
    hear, tell = take_pipes()
    die_before_others()
    calls: Calls = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(hear, calls), name="midwatch-pool-owner", daemon=True).start()
    from midwatch.pool.serving import Serving

    with Serving(Home(words.home), words.plugin, _teller(tell)) as serving:
        while (call := calls.get()) is not None:
            serving.answer(*call)
    sys.stderr.flush()
    os._exit(0)  # threads that plugins left behind do not keep the process


def _listen(hear: int, calls: Calls) -> None:
    """Read calls as they come; at the end of the pipe end the process, also while a plugin hangs."""
    with suppress(ValueError, OSError):  # an owner that speaks nonsense is as good as gone
        while (call := read(hear)) is not None:
            calls.put(call)
    calls.put(None)
    time.sleep(_LAST_S)
    os._exit(0)


def _teller(tell: int) -> Callable[[dict[str, Any]], None]:
    def send(header: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the owner is gone: `_listen` sees to that
            write(tell, pack(header))

    return send


if __name__ == "__main__":
    sys.exit(main())
