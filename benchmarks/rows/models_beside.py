"""What models beside the calls cost a proxy: throughput and lag of its worker, its start, and what it imports.

The policy is `balanced`, so that the worker asks models about requests while these go on; what it did not hear in time
control asks about again. No call has anything that a line acts on. `ml` is held against the same suite without it, and
all that the extras bring (`ml`, `ensemble`, names of persons) against none of it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.hosts import SuiteHost
from benchmarks.load import Requests, chat_body, chat_request
from benchmarks.row import Row, at_most, compare, no_more
from benchmarks.rows.lag import REPORTED_S, Buckets, lags, quantile, since
from benchmarks.session import Running, Session
from benchmarks.settling import settled
from benchmarks.sim import Sim
from benchmarks.steady import steady
from benchmarks.with_models import (
    has_ner,
    installed,
    libraries_in,
    models_idle,
    models_loaded,
    suite_with,
    texts_waiting,
    workers_and_control,
)
from midwatch.home import Home

# Far below what a worker can do: beyond that, its own queue is all that is seen.
PER_SECOND = 100
SECONDS = 15.0
_EXCHANGES = 2_000


async def measure(session: Session) -> list[Row]:
    """Medians of the ratios of pairs of runs; lags of all runs together."""
    if not session.suite or not installed("models-beside"):
        return []
    none, whole = suite_with("none"), suite_with("all", "ensemble", "ml", ner=has_ner())
    started = await _started(session, none, whole)
    hosts = [none, suite_with("ensemble", "ensemble"), suite_with("ml", "ensemble", "ml"), whole]
    return [*started, *await _at_work(session, hosts)]


async def _started(session: Session, none: SuiteHost, whole: SuiteHost) -> list[Row]:
    """How long a start takes, each with the machine to itself."""
    begun: dict[str, list[tuple[float, float]]] = {none.name: [], whole.name: []}
    for _ in range(session.runs):
        for host in (none, whole):
            async with session.started([host]) as (running,):
                before = time.perf_counter()
                await running.load(chat_request(Sim()), concurrency=1, exchanges=1)
                begun[host.name].append((host.started_s, host.started_s + time.perf_counter() - before))
    (listening, answered), (listening_all, answered_all) = (
        [median(column) for column in zip(*begun[host.name], strict=True)] for host in (none, whole)
    )
    return [
        compare("listening after start, all of the extras", listening_all, "s", listening),
        compare("first call answered, all of the extras", answered_all, "s", answered),
    ]


async def _at_work(session: Session, hosts: Sequence[SuiteHost]) -> list[Row]:
    async with session.started(hosts) as (none, without, beside, whole):
        same, new = chat_request(Sim(), body=chat_body(2_000)), _new_texts()
        for running in (none, without, beside, whole):
            await running.load(same, concurrency=1, exchanges=1)
        for running in (beside, whole):
            await models_loaded(running)
        return [
            await _throughput(session, without, beside, "throughput, the same text, ml beside", same, least=0.95),
            await _throughput(session, without, beside, "throughput, new texts, ml beside", new, least=0.95),
            await _throughput(session, none, whole, "throughput, new texts, all of the extras", new),
            await _lag(session, without, beside, new),
            _libraries(whole),
        ]


def _new_texts() -> Requests:
    """Requests whose texts were never seen, however often a number is asked for."""
    fresh = itertools.count()
    return lambda _: chat_request(Sim(), body=chat_body(2_000, salt=f"Night {next(fresh)}. "))


async def _throughput(
    session: Session, plain: Running, models: Running, name: str, chats: Requests, *, least: float | None = None
) -> Row:
    """Of the pair in the middle: its ratio is the median one."""
    pairs = []
    for _ in range(session.runs):
        pairs.append([await _per_second(session, running, chats) for running in (plain, models)])
        await models_idle(models)
    without, beside = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
    return compare(name, beside, "exchanges/s", without, least=least)


async def _per_second(session: Session, running: Running, chats: Requests) -> float:
    load, _ = await running.load(chats, concurrency=16, exchanges=session.scaled(_EXCHANGES))
    await settled(Home(running.host.home(session.bench)))
    return load.per_second


async def _lag(session: Session, plain: Running, models: Running, chats: Requests) -> Row:
    seconds = max(SECONDS * session.scale, 3.0)
    seen: dict[str, list[Buckets]] = {plain.host.name: [], models.host.name: []}
    for _ in range(session.runs):
        for running in (plain, models):
            seen[running.host.name].append(await _lags(session, running, chats, seconds))
        if not await texts_waiting(models):
            raise RuntimeError("the models were not saturated")
        await models_idle(models)
    without, beside = (quantile(_together(each), 0.99) * 1000 for each in seen.values())
    name = f"event-loop lag p99 at {PER_SECOND}/s of new texts, ml saturated"
    return no_more(name, beside, "ms", without, most=1.2)


async def _lags(session: Session, running: Running, chats: Requests, seconds: float) -> Buckets:
    await settled(Home(running.host.home(session.bench)))
    await asyncio.sleep(REPORTED_S)
    before = await lags(running)
    await steady(running.target, chats, per_second=PER_SECOND, seconds=seconds)
    await asyncio.sleep(REPORTED_S)
    return since(before, await lags(running))


def _together(seen: Sequence[Buckets]) -> Buckets:
    return {bound: sum(one[bound] for one in seen) for bound in seen[0]}


def _libraries(running: Running) -> Row:
    found = [len(libraries_in(pid)) for pid in workers_and_control(running)]
    return at_most("models' libraries in worker and control", sum(found), "libraries", 0.0)
