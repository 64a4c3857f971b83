"""The process in which apprise sends one message: it goes by the environment, and that is its own here.

`python -m midwatch_alerts.channels.apprise_process`; started by `by_apprise`, not by hand. What to send comes as JSON
on standard input, with secrets, which are for nobody who looks at arguments. It answers in words, a line each: `ready`,
then `sent`, `failed` or `refused`. What is logged goes to standard error.
"""

import logging
import os
import sys
from typing import Any, TextIO

import orjson

from midwatch_core import led


def main() -> None:
    """Send what standard input says."""
    tell = _words()
    order = orjson.loads(sys.stdin.buffer.read())
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    sys.path[:] = order["path"]
    with led(order["way"]):
        target = target_of(order["url"])
        print("ready", file=tell, flush=True)
        print(_sent(target, order["message"]), file=tell, flush=True)


def target_of(url: str) -> Any:
    """What apprise makes of a URL, None where it knows none such. Raises ImportError without it."""
    import apprise

    target = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Midwatch", app_desc="Midwatch", async_mode=False))
    return target if target.add(url) else None


def _sent(target: Any, message: dict[str, str]) -> str:
    try:
        return "sent" if target.notify(**message, body_format="text") else "failed"
    except TypeError:  # its word for what it can't make a message of
        return "refused"


def _words() -> TextIO:
    """Where answers go; what a library prints goes to the log."""
    tell = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return tell


if __name__ == "__main__":
    main()
