"""A home as it is after ninety days of work: a million calls, long talks among them, an inventory, an audit log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path

from benchmarks.hosts import Bench, SuiteHost
from benchmarks.kept import EXCHANGES_KEPT, exchange_id, kept
from benchmarks.session import Session
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.segment import Part
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.model.triage import Triage, TriageState
from midwatch_core.ports import MetadataRepository, TraceRepository
from midwatch_core.testing.factories import conversation, make_exchange
from midwatch_core.threads import Threader
from midwatch_sql import open_metadata, open_traces

TURNS = 300
TASKS = 5_000
_SIGHTINGS = 2_000
_ENTRIES = 5_000
_JUDGED = 2_000
_BATCH = 50


class OldHost(SuiteHost):
    """The suite in an old home, of which it forgets nothing by age."""

    def environment(self, bench: Bench) -> dict[str, str]:
        """A year is kept."""
        return {**SuiteHost.environment(self, bench), "MIDWATCH_RETENTION_DAYS": "365"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHome:
    """What is in it to be looked at: ids. `talk` grows by a turn a call, `tasks` are many short calls of one agent."""

    talk: str
    tasks: str
    first: str
    last: str
    finding: str


async def furnish(session: Session, host: SuiteHost) -> OldHome:
    """Put everything into the home of a host that is not started yet."""
    home = host.home(session.bench)
    home.mkdir(mode=0o700)
    shutil.copy(kept(session), home / "midwatch.db")
    traces, metadata = _opened(home / "midwatch.db")
    await traces.start()
    await metadata.start()
    made = await _talks(traces, session)
    await _papers(metadata)
    await traces.close()
    await metadata.close()
    return made


def _opened(path: Path) -> tuple[TraceRepository, MetadataRepository]:
    traces, metadata = open_traces(f"sqlite:///{path}"), open_metadata(f"sqlite:///{path}")
    assert traces is not None
    assert metadata is not None
    return traces, metadata


async def _talks(traces: TraceRepository, session: Session) -> OldHome:
    now, threader = datetime.now(UTC), Threader()
    tasks = [threader.thread(call) for call in _dated(_tasks(session.scaled(TASKS)), now - timedelta(hours=4))]
    turns = conversation(min(TURNS, session.scaled(TURNS)), tenant="tenant-3")
    talk = [threader.thread(call) for call in _dated(_found_in(turns), now - timedelta(hours=2))]
    for calls in batched([*tasks, *talk], _BATCH):
        await traces.put(calls)
    return OldHome(
        talk=talk[0].trace_id,
        tasks=tasks[0].trace_id,
        first=talk[0].id,
        last=talk[-1].id,
        finding=talk[0].findings[0].id,
    )


def _dated(calls: Iterator[Exchange], first: datetime) -> Iterator[Exchange]:
    """The calls, a second apart."""
    for number, call in enumerate(calls):
        yield replace(call, started_at=first + timedelta(seconds=number))


def _tasks(count: int) -> Iterator[Exchange]:
    for number in range(count):
        messages = (("system", "You are terse."), ("user", f"Sum up page {number}."))
        yield make_exchange(
            tenant="tenant-3", messages=messages, answer=f"Page {number} is short.", session="a-night-of-tasks"
        )


def _found_in(calls: Iterator[Exchange]) -> Iterator[Exchange]:
    """The calls, one in ten with a finding in its newest text."""
    for number, call in enumerate(calls):
        yield call if number % 10 else replace(call, findings=(_finding(call, number),))


def _finding(call: Exchange, number: int) -> Finding:
    return Finding(
        id=f"finding-of-turn-{number}",
        rule="pack-1/rule-5",
        category="category-5",
        severity=Severity.HIGH,
        confidence=0.8,
        message="Asks the model to drop its instructions",
        part=Part.USER,
        path=call.request.segments[-1].path,
        start=0,
        end=20,
        plugin="rules",
    )


async def _papers(metadata: MetadataRepository) -> None:
    """What people and the house wrote down: the inventory, the audit log, judgements on the newest findings."""
    now = datetime.now(UTC)
    await metadata.sight([_sighting(number, now) for number in range(_SIGHTINGS)])
    for number in range(_ENTRIES):
        record = AuditRecord(
            at=now, actor="key-1", action="call.flagged", subject=exchange_id(number), tenant="tenant-3"
        )
        await metadata.append_audit(record)
    for number in range(_JUDGED):
        await metadata.keep_triage(
            Triage(
                finding_id=f"finding-{EXCHANGES_KEPT - number}",
                tenant=f"tenant-{number % 20}",
                rule="pack-1/rule-5",
                state=TriageState.ACKNOWLEDGED,
                by="key-1",
                at=now,
            )
        )


def _sighting(number: int, now: datetime) -> Sighting:
    return Sighting(
        host=f"api-{number % 100}.example",
        tenant=f"tenant-{number % 20}",
        seen=Seen.SNI if number % 3 else Seen.DECRYPTED,
        first_at=now - timedelta(days=60),
        last_at=now - timedelta(minutes=number),
        known=number % 2 == 0,
        client=f"10.0.{number // 250}.{number % 250}",
        connections=number,
    )
