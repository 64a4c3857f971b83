"""Crashes: a traceback nobody caught is written without secrets, and no memory is left in a core file."""

import resource
import sys
import threading
import traceback
from types import TracebackType

from midwatch_core.revealed import REVEALED


def quiet_crashes() -> None:
    """From now on, in this process and those it starts. A core file would hold keys, and what clients sent.

    A hook that somebody else has set (a debugger, a runner of tests) stays.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _report
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _report_thread
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _report(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    report = "".join(traceback.format_exception(kind, error, where))
    print(REVEALED.hide(report), end="", file=sys.stderr, flush=True)


def _report_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        _report(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
