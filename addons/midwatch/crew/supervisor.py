"""The supervisor: holds the sockets; starts, watches and replaces workers and control; nothing else."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from midwatch.crew import crew_lock
from midwatch.crew.bound_sockets import Sockets
from midwatch.crew.child import Child
from midwatch.crew.crew_file import Crew, write_crew
from midwatch.crew.rolling import Act, Step, is_settled, next_step
from midwatch.crew.wanted import Snapshot
from midwatch.crew.workers import KILL_GRACE_S, Workers
from midwatch.home import Home
from midwatch.modes import UNBOUND, place_of
from midwatch_core.config import Config

logger = logging.getLogger(__name__)
_LOOK_S = 1.0
_CONTROL_ARRIVES_S = 60.0


def _command(module: str, home: Home, parent: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, "--home", str(home.root), "--parent", parent, *words]


class Supervisor:
    """Runs workers and control for a home whose snapshot is written and whose sockets are bound."""

    def __init__(self, home: Home, config: Config, sockets: Sockets, *, private: bool = False) -> None:
        """`private`: this proxy ends with the command it was started for: no other may join it, or change it."""
        self._home = home
        self._private = private
        self._config = config
        self._sockets = sockets
        # Children hold the read end: when the supervisor dies, however it does, they see the pipe close.
        self._pipe = os.pipe()
        os.set_inheritable(self._pipe[0], True)
        self._snapshot = Snapshot(home, config, follows=not private)
        self._wanted = self._snapshot.wanted()
        overlap = all(place_of(spec, config.listen).kind not in UNBOUND for spec in config.mode)
        self.workers = Workers(self._hire, overlap=overlap)
        self.control = self._new_control()
        self._control_settled = self._wanted.for_control
        self._crew: Crew | None = None
        self._lock: int | None = None
        self._reload_waits = False
        self._keeping_up: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start all children, in the running loop, and keep them as the snapshot wants them from then on.

        Raises OSError where it can't be said that this one lives.
        """
        if not self._private:
            self._lock = crew_lock.hold(self._home)
        for _ in range(self._config.workers):
            self.workers.start(self._wanted.for_workers)
        self.control.start()
        self._keeping_up = asyncio.create_task(self._keep_up(), name="keep up")

    async def listening(self, within_s: float) -> bool:
        """Wait until every worker answers what connects; False where one will not with these settings, or not yet."""
        workers = self.workers.serving
        await asyncio.gather(*(worker.arrived(within_s) for worker in workers))
        return all(worker.at_work for worker in workers)

    def reload(self) -> None:
        """Ask control to reload; it tells the workers, and writes the snapshot by which they are replaced.

        One that is just starting would die of the signal, and one that ends would forget it: the next look asks again.
        """
        self._reload_waits = not self.control.at_work or self.control.renewing
        if not self._reload_waits:
            self.control.signal(signal.SIGHUP)

    async def refused(self) -> None:
        """Wait for the first child that will not start with these settings; it has said why."""
        waiting = [asyncio.create_task(child.refused.wait()) for child in (*self.workers, self.control)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def kill(self) -> None:
        """End all children at once: what is in flight is cut, what is journalled waits for the next start."""
        for child in (*self.workers, self.control):
            child.kill()

    async def stop(self) -> int:
        """Drain the workers, then let control store what they left; 0 when all ended in order."""
        if self._keeping_up is not None:
            self._keeping_up.cancel()
            await asyncio.wait([self._keeping_up])
        drain_s = self._wanted.drain_s + KILL_GRACE_S
        endings = [asyncio.create_task(worker.stop(drain_s)) for worker in self.workers]
        await asyncio.sleep(0)  # all are told: none will be started again, so nobody needs the sockets any more
        for sock in self._sockets.proxy:
            sock.close()  # while calls in flight end, new ones are refused and do not wait for nobody
        in_order = list(await asyncio.gather(*endings))
        in_order.append(await self.control.stop(drain_s, when_ready=True))
        for descriptor in self._pipe:
            os.close(descriptor)
        if self._crew is not None:
            self._home.crew.unlink(missing_ok=True)  # nobody is to wait for who has ended
        if self._lock is not None:
            os.close(self._lock)
        return 0 if all(in_order) else 1

    async def _keep_up(self) -> None:
        while True:
            if self._reload_waits:
                self.reload()
            self._wanted = self._snapshot.wanted()
            seen = self.workers.seen(self._wanted)
            may_add = self.workers.may_add(self._wanted)
            step = next_step(self._wanted, seen, self._control_settled, may_add=may_add)
            self._tell(settled=step is None and is_settled(self._wanted, seen))
            if step is None:
                await asyncio.sleep(_LOOK_S)
            else:
                await self._take(step)

    async def _take(self, step: Step) -> None:
        match step.act:
            case Act.ADD:
                await self.workers.add(self._wanted)
            case Act.END:
                self.workers.end(self._wanted)
            case Act.REPLACE:
                await self.workers.replace(step.index, self._wanted, why=step.why, says=step.says)
            case Act.RENEW_CONTROL:
                logger.info("control is started again: %s", step.says)
                self._control_settled = self._wanted.for_control
                await self.control.renew(self._wanted.drain_s + KILL_GRACE_S)
                await self.control.arrived(_CONTROL_ARRIVES_S)

    def _tell(self, *, settled: bool) -> None:
        crew = Crew(
            console=self._config.console,
            workers=self.workers.states(),
            restarts={"worker": self.workers.restarts, "control": self.control.restarts},
            replaced=dict(self.workers.replaced),
            stamp=self._wanted.stamp,
            settled=settled,
            problem=self.workers.problem(self._wanted),
        )
        if self._private or crew == self._crew:
            return
        try:
            write_crew(self._home, crew)
        except OSError as error:  # the disk is full, say: the next look writes again
            logger.debug("%s: %s", self._home.crew, error)
            return
        self._crew = crew

    def _hire(self, name: str, spared: Callable[[], bool]) -> Child:
        fds = [sock.fileno() for sock in self._sockets.proxy]
        # Told by word and not by the snapshot: another supervisor of this home may have written its own meanwhile.
        where = ["--fds", ",".join(map(str, fds)), "--listen", self._config.listen]
        modes = [word for mode in self._config.mode for word in ("--mode", mode)]
        return Child(
            name,
            _command("midwatch.proxy.worker", self._home, str(self._pipe[0]), "--name", name, *where, *modes),
            [*fds, self._pipe[0]],
            spared=spared,
        )

    def _new_control(self) -> Child:
        console = self._sockets.console.fileno()
        config = self._config
        return Child(
            "control",
            _command(
                "midwatch.control.process",
                self._home,
                str(self._pipe[0]),
                *("--console-fd", str(console), "--console", config.console, "--listen", config.listen),
                *(["--private"] if self._private else []),
            ),
            [console, self._pipe[0]],
        )
