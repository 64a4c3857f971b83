"""The acts: each does one thing to the house while its clients call, and waits until all is well again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial

from tests.e2e.chaos.scene import Scene
from tests.e2e.chaos.servers import Freezable, Server
from tests.e2e.killing import until

type Act = Callable[[Scene], Awaitable[None]]

_CATCHING_UP = "kill -9 control while it catches up"
_CLOSED, _LOSS = "resolved breaker:store", "trouble journal:dropped"
_DROPPED, _SLIM = "midwatch_journal_dropped_total", "midwatch_journal_slim_total"
# Longer than the breaker of a worker's counting needs for three failures, of half a second each.
_FROZEN_S = 3.0
# A journal that was full looks for room again in this time, and a worker tells its counts once a second.
_SETTLED_S = 2.5
# What workers tell a control in its first seconds is history to it, and no loss to tell of (`troubles.NEW_S`).
_KNOWS_S = 7.0


def acts_of(scene: Scene, *, short: bool) -> dict[str, Act]:
    """What can be done here, by what it is called; `short` leaves out what others do as well."""
    traces, servers = scene.profile.traces, scene.profile.servers
    acts: dict[str, Act] = {
        "kill -9 worker": kill_worker,
        "kill -9 control": kill_control,
        _CATCHING_UP: kill_control_catching_up,
        f"freeze {traces.name}": freeze_traces,
        "SIGTERM and start": restart,
        "SIGHUP": hang_up,
    }
    for server in servers:
        acts[f"kill -9 {server.name}"] = partial(kill_server, server=server)
        acts[f"kill -9 {server.name} and control"] = partial(kill_server_and_control, server=server)
        if server is not traces:
            acts[f"freeze {server.name}"] = partial(freeze_other, store=server)
    if scene.disk is not None:
        acts |= {"fill the disk": fill_disk, "keep the disk full": keep_disk_full}
    return {name: act for name, act in acts.items() if not (short and name in _left_out(scene))}


def _left_out(scene: Scene) -> set[str]:
    """What a short run does not do. SQLite takes ten seconds to be given up: once is enough there."""
    servers = scene.profile.servers
    twice = {"kill -9 control", f"freeze {scene.profile.traces.name}"} if servers else {_CATCHING_UP}
    return twice | {"fill the disk"} | {f"kill -9 {server.name} and control" for server in servers}


async def kill_worker(scene: Scene) -> None:
    """SIGKILL to the worker, calls in flight and all."""
    await _called(scene)
    await scene.killer.kill_worker()


async def kill_control(scene: Scene) -> None:
    """SIGKILL to control."""
    await scene.killer.kill_control()
    await scene.recovered()


async def kill_server(scene: Scene, *, server: Server) -> None:
    """SIGKILL to a store's server, and start it again a little later."""
    before = (await scene.audited())[_CLOSED]
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(scene.chance.uniform(1.0, 2.0))
    if server is scene.profile.traces:
        await _opened(scene)
    await asyncio.to_thread(server.start)
    await scene.recovered()
    if server is scene.profile.traces:
        await scene.in_audit(_CLOSED, before)


async def kill_server_and_control(scene: Scene, *, server: Server) -> None:
    """SIGKILL to both: control finds nobody when it is started again, and comes back once the server is there."""
    await asyncio.to_thread(server.kill)
    coming_back = asyncio.create_task(scene.killer.kill_control())
    await asyncio.sleep(scene.chance.uniform(2.0, 6.0))
    await asyncio.to_thread(server.start)
    await coming_back
    await scene.recovered()


async def freeze_traces(scene: Scene) -> None:
    """Stop the store of exchanges for longer than its breaker takes, and see the breaker open and close again."""
    before = (await scene.audited())[_CLOSED]
    await asyncio.to_thread(scene.profile.traces.freeze)
    try:
        await _opened(scene)
        await asyncio.sleep(scene.chance.uniform(1.5, 2.5))
    finally:
        await asyncio.to_thread(scene.profile.traces.thaw)
    await scene.recovered()
    await scene.in_audit(_CLOSED, before)


async def kill_control_catching_up(scene: Scene) -> None:
    """SIGKILL to control at a random moment of storing what a store that was away had left in the journal."""
    await asyncio.to_thread(scene.profile.traces.freeze)
    try:
        await _opened(scene)
    finally:
        await asyncio.to_thread(scene.profile.traces.thaw)
    await asyncio.sleep(scene.chance.uniform(0.0, 1.5))
    await scene.killer.kill_control()
    await scene.recovered()


async def freeze_other(scene: Scene, *, store: Freezable) -> None:
    """Stop another store for a while."""
    await asyncio.to_thread(store.freeze)
    try:
        await asyncio.sleep(_FROZEN_S)
    finally:
        await asyncio.to_thread(store.thaw)
    await scene.recovered()


async def fill_disk(scene: Scene) -> None:
    """Leave no room on the home's disk, until exchanges are kept without their texts."""
    slim = await scene.witness.number(_SLIM)
    await _without_room(scene, keep=False, name=_SLIM, more_than=slim)


async def keep_disk_full(scene: Scene) -> None:
    """Take every byte that the journal gives back as well, until exchanges are dropped, and counted."""
    await asyncio.sleep(max(0.0, _KNOWS_S - scene.lived_s()))
    before = (await scene.audited())[_LOSS]
    dropped = await scene.witness.number(_DROPPED)
    await _without_room(scene, keep=True, name=_DROPPED, more_than=dropped)
    if not before:  # a loss is over after five minutes: until then there is no second trouble
        await scene.in_audit(_LOSS, 0)


async def restart(scene: Scene) -> None:
    """SIGTERM in the middle of calls, which must end whole; then start again on the same ports."""
    await _called(scene)
    scene.crowd.gate.clear()
    scene.drained += scene.crowd.awaiting()
    scene.terms_s.append(time.monotonic())
    code = await scene.house.end()
    assert code == 0, scene.house.log
    scene.house.start()
    await scene.house.ready()
    scene.crowd.gate.set()
    await scene.recovered()


async def hang_up(scene: Scene) -> None:
    """SIGHUP: everything is read anew while calls go on."""
    before = scene.house.said("reloaded")
    scene.house.signal(signal.SIGHUP)

    async def reloaded() -> bool:
        return scene.house.said("reloaded") > before

    await until(reloaded, f"the reload\n{scene.house.log}")


async def _called(scene: Scene) -> None:
    """Wait until some calls are in flight: their requests have gone out, their answers not ended."""

    async def called() -> bool:
        return scene.crowd.awaiting() >= 2

    await until(called, "calls in flight")


async def _opened(scene: Scene) -> None:
    """Wait until the breaker of the store of exchanges is open, and told as a trouble."""

    async def opened() -> bool:
        status = await scene.house.status()
        if status is None or status["breakers"]["store"] != "open":
            return False
        return any(trouble["category"] == "breaker" for trouble in status["troubles"])

    await until(opened, f"the breaker to open\n{scene.house.log}")


async def _without_room(scene: Scene, *, keep: bool, name: str, more_than: float) -> None:
    """Fill the disk until a count grows, and give the room back; what was dropped meanwhile is added to the scene's."""
    assert scene.disk is not None
    dropped = await scene.witness.number(_DROPPED)
    began_s = time.monotonic()
    await asyncio.to_thread(scene.disk.keep_full if keep else scene.disk.fill)
    try:

        async def counted() -> bool:
            return await scene.witness.number(name) > more_than

        await until(counted, f"{name} to grow\n{scene.house.log}")
        await asyncio.sleep(scene.chance.uniform(0.5, 1.5))
    finally:
        await asyncio.to_thread(scene.disk.empty)
    await scene.recovered()
    await asyncio.sleep(_SETTLED_S)
    scene.full_s.append((began_s, time.monotonic()))
    scene.dropped += int(await scene.witness.number(_DROPPED) - dropped)
