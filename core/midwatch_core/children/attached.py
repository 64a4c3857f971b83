"""What a process does first that belongs to another: its pipes are put out of the way, and it dies with its owner."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Where memory runs out, the kernel is to take this process before the proxy's (man 5 proc).
_OOM_SCORE = 500
_AUTOGROUP = Path("/proc/self/autogroup")
_LOWEST = 19
_TRIES = 20
_AGAIN_S = 0.11


def take_pipes() -> tuple[int, int]:
    """The pipes from and to the owner, out of the way: what is printed goes to the log, what is read is empty."""
    hear, tell = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    return hear, tell


def die_before_others() -> None:
    """On Linux: killed with its owner even while a guest holds the interpreter, and the first when memory is out."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def step_back(to: int) -> None:
    """Let others go first: niceness rises to so much, if it is less.

    Linux may share the processors among sessions before it looks at niceness, and this process has a session of its
    own: that is told the same. At the lowest it is idle to the scheduler, which else, where every processor has such a
    process, sees none that is free for whoever wakes. Source: man 7 sched, "The autogroup feature" and "SCHED_IDLE".
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(to, os.getpriority(os.PRIO_PROCESS, 0)))
    if to >= _LOWEST and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for _ in range(_TRIES):
        try:
            _AUTOGROUP.write_text(str(to))
        except BlockingIOError:  # of all processes, the kernel hears one in a tenth of a second
            time.sleep(_AGAIN_S)
        except OSError:  # nothing of the kind here
            return
        else:
            return
