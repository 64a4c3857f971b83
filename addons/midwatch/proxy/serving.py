"""A worker at work: mitmproxy on the supervisor's sockets with the suite, until it is told to stop, or to leave."""

import argparse
import asyncio
import gc
import logging
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from midwatch.crew.parents import ends_with_parent, tell_ready
from midwatch.home import Home
from midwatch.lean import LeanMaster, Listening, StartError, drain, make_master, take_leave
from midwatch.lean.sockets import sockets_from
from midwatch.logs import set_up_logs
from midwatch.proxy.certifying import Certifying
from midwatch.proxy.edges.crowd import make_room
from midwatch.proxy.options import mitmproxy_options
from midwatch.proxy.suite import Suite, build
from midwatch.settings import Settings, placed, read_snapshot
from midwatch_core.errors import ConfigError
from midwatch_journal import JournalError

logger = logging.getLogger(__name__)


def main() -> int:
    """Take calls as the words of the command line say; the process's exit code."""
    parser = argparse.ArgumentParser(prog="midwatch.proxy.worker")
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


@dataclass(frozen=True, slots=True)
class Told:
    """What the supervisor has told this worker: to end, or that another has taken over from it."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)


async def serve(settings: Settings, name: str, descriptors: list[int], *, parent: int, ready: int | None) -> int:
    """Run until SIGTERM or the supervisor's death, then drain; or until SIGUSR1, then take leave of all clients first.

    0 when all went in order.
    """
    home, config = settings.home, settings.config
    make_room()
    suite = build(settings, name=name)
    certifying = Certifying(home, lambda: suite.settings.config.tls.ca)
    suite.beat.recertify = certifying.follow
    master = make_master(
        mitmproxy_options(
            home,
            upstream_ca=config.upstream_ca is not None,
            client_ca=config.identity.client_ca is not None,
            modes=config.mode,
            listen=config.listen,
            max_bytes=config.max_inspect_bytes,
        )
        | suite.upstream.options
        | suite.edges.options,
        [*suite.addons, Announcement(ready)],
        listening=Listening(sockets=sockets_from(descriptors)),
        tls=certifying.addon,
    )
    for report in master.patches.reports:
        logger.debug("%s", report)
    told = Told()
    _on_signals(told)
    ends_with_parent(parent, told.stopping)
    await suite.start()
    running = asyncio.create_task(master.run())
    stop, leave = asyncio.create_task(told.stopping.wait()), asyncio.create_task(told.leaving.wait())
    await asyncio.wait([running, stop, leave], return_when=asyncio.FIRST_COMPLETED)
    if leave.done() and not running.done():
        await _take_leave(master, suite, until=[running, stop])
    if not running.done():
        await drain(master, deadline_s=suite.settings.config.drain_s if stop.done() else 0.0)
    await running
    await suite.stop()
    return 0


async def _take_leave(
    master: LeanMaster, suite: Suite, *, until: list[asyncio.Task[bool] | asyncio.Task[None]]
) -> None:
    """Go on for those who are here; being told to end cuts that short."""
    suite.beat.leaving = True
    deadline_s = suite.settings.config.rolling_drain_s
    leaving = asyncio.create_task(take_leave(master, deadline_s=deadline_s))
    await asyncio.wait([leaving, *until], return_when=asyncio.FIRST_COMPLETED)
    if not leaving.done():
        leaving.cancel()
        await asyncio.wait([leaving])
    elif left := leaving.result():
        logger.warning("%d connections still open after %.0f s are closed", left, deadline_s)


def _on_signals(told: Told) -> None:
    """The first SIGTERM drains; the second ends at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if told.stopping.is_set():
            os._exit(1)
        told.stopping.set()

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGUSR1, told.leaving.set)
    # Ctrl-C reaches the whole group: the supervisor hears it and tells us in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
