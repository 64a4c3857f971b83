"""The worker process: mitmproxy on the supervisor's sockets with the suite, until it is told to stop."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path

from midwatch.home import Home
from midwatch.lean import Listening, StartError, drain, make_master
from midwatch.lean.sockets import sockets_from
from midwatch.logs import set_up_logs
from midwatch.parents import ends_with_parent, tell_ready
from midwatch.proxy.options import mitmproxy_options
from midwatch.proxy.suite import build
from midwatch.settings import Settings, placed, read_snapshot
from midwatch_core.errors import ConfigError
from midwatch_journal import JournalError

logger = logging.getLogger(__name__)


def main() -> int:
    """`python -m midwatch.proxy.worker`; started by the supervisor, not by hand."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--fds", default="", help="listening sockets, comma-separated")
    parser.add_argument("--listen", help="where the first of them is bound")
    parser.add_argument("--mode", action="append", help="mitmproxy's modes, one for each socket")
    parser.add_argument("--parent", type=int, required=True, help="a pipe that closes when the supervisor dies")
    parser.add_argument("--ready", type=int, help="a pipe to tell the supervisor that we serve")
    words = parser.parse_args()
    set_up_logs(words.name)
    descriptors = [int(fd) for fd in words.fds.split(",") if fd]
    try:
        settings = placed(read_snapshot(Home(words.home)), listen=words.listen, mode=tuple(words.mode or ()))
        return asyncio.run(serve(settings, words.name, descriptors, parent=words.parent, ready=words.ready))
    except (ConfigError, JournalError, StartError) as error:
        logger.error("%s", error)
        return 2


class Announcement:
    """The last addon: when its turn comes, the listeners are up."""

    name = "midwatch_announcement"

    def __init__(self, ready: int | None) -> None:
        self._ready = ready

    def running(self) -> None:
        """Tell the supervisor; then spare the collector what is here to stay: 0.1 million objects, 70 ms a look."""
        tell_ready(self._ready)
        gc.collect()
        gc.freeze()


async def serve(settings: Settings, name: str, descriptors: list[int], *, parent: int, ready: int | None) -> int:
    """Run until SIGTERM, SIGINT or the supervisor's death; drain; 0 when all went in order."""
    home, config = settings.home, settings.config
    suite = build(settings, name=name)
    master = make_master(
        mitmproxy_options(
            home,
            upstream_ca=config.upstream_ca is not None,
            client_ca=config.identity.client_ca is not None,
            modes=config.mode,
            listen=config.listen,
            max_bytes=config.max_inspect_bytes,
        ),
        [*suite.addons, Announcement(ready)],
        listening=Listening(sockets=sockets_from(descriptors)),
    )
    for report in master.patches.reports:
        logger.debug("%s", report)
    stopping = asyncio.Event()
    _on_signals(stopping)
    ends_with_parent(parent, stopping)
    await suite.start()
    running = asyncio.create_task(master.run())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([running, stop], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await drain(master, deadline_s=config.drain_s)
    await running
    await suite.stop()
    return 0


def _on_signals(stopping: asyncio.Event) -> None:
    """The first signal drains; the second ends at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    loop.add_signal_handler(signal.SIGTERM, stop)
    # Ctrl-C reaches the whole group: the supervisor hears it and tells us in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
