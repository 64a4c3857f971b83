"""The verdict: what every client had, against what every store has; a count for each line, and whether it may be so."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from midwatch_core.governing.periods import span_at
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.model.identity import DEFAULT_TENANT
from midwatch_journal import JournalReader, read_dead_letters
from tests.e2e.chaos.crowd import marker
from tests.e2e.chaos.probe import probe_budget
from tests.e2e.chaos.scene import Scene
from tests.e2e.killing import Attempt, House, duplicates

_NANO = 10**9
# Exchanges whose whole text is looked at.
_READ = 40


@dataclass
class Verdict:
    """Lines of a table, and what was found wrong: nothing, if all is well."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def note(self, what: str, count: object) -> None:
        """A line of the table."""
        self.lines.append((what, f"{count:,}" if isinstance(count, int) else str(count)))

    def check(self, what: str, holds: bool, found: object = "") -> None:
        """A line that says whether something holds."""
        self.lines.append((what, "yes" if holds else f"NO {found}"))
        if not holds:
            self.faults.append(f"{what}: no {found}")

    def journal_is_empty(self, house: House) -> None:
        """Nothing waits, nothing was set aside. Only where no process of the house lives."""
        with JournalReader(house.home.journal) as journal:
            left = len(journal.poll())
        letters = sum(1 for _ in read_dead_letters(house.home.journal))
        self.check("the journal is empty, and nobody's dead letters are there", left + letters == 0, (left, letters))

    def table(self) -> str:
        """All lines, for people."""
        width = max(len(what) for what, _ in self.lines)
        return "\n".join(f"{what:{width}}  {count}" for what, count in self.lines)


async def judge(scene: Scene) -> Verdict:
    """Look at everything. The house runs, nobody calls."""
    verdict = Verdict()
    for name, times in sorted(scene.done.items()):
        verdict.note(f"act: {name}", times)
    if scene.disk is None:
        verdict.note("act: fill the disk", "not done: mounting a disk of its own needs root")
    _no_call_failed(verdict, scene)
    rows = await asyncio.to_thread(scene.house.stored)
    lost = _each_is_stored_once(verdict, scene, rows)
    await _texts_are_theirs(verdict, scene, rows, lost)
    await _sums_agree(verdict, scene, rows)
    await _troubles_were_told(verdict, scene)
    await _audit_holds(verdict, scene)
    return verdict


def _no_call_failed(verdict: Verdict, scene: Scene) -> None:
    attempts = scene.crowd.attempts
    failed = [attempt for attempt in attempts if not attempt.whole]
    excepted = [attempt for attempt in failed if scene.killer.excepted(attempt)]
    whole = Counter(attempt.kind for attempt in attempts if attempt.whole)
    verdict.note("calls", len(attempts))
    for kind, count in sorted(whole.items()):
        verdict.note(f"  whole: {kind}", count)
    verdict.note("  in flight at SIGTERM, all whole", scene.drained)
    verdict.note("  in flight on a worker that was killed", scene.killer.in_flight)
    verdict.note("  failed for that", len(excepted))
    late = [attempt for attempt in failed if attempt not in excepted and scene.came_late(attempt)]
    verdict.note("  refused: their requests came after SIGTERM", len(late))
    others = Counter(attempt.error for attempt in failed if attempt not in excepted and attempt not in late)
    verdict.check("no other call failed", not others, others.most_common(5))
    verdict.note("slowest call (ms)", round(max(1000 * (a.ended_s - a.began_s) for a in attempts if a.whole)))


def _each_is_stored_once(verdict: Verdict, scene: Scene, rows: list[dict[str, Any]]) -> set[str]:
    """Those that are lost, by their trace ids."""
    whole = {attempt.trace_id: attempt for attempt in scene.crowd.attempts if attempt.whole}
    by_trace = {row["trace_id"]: row for row in rows}
    lost = whole.keys() - by_trace.keys()
    verdict.note("stored", len(rows))
    verdict.note("whole and not stored", len(lost))
    verdict.note("dropped for the full disk, as counted", scene.dropped)
    outside = [trace for trace in lost if not scene.was_full(whole[trace])]
    verdict.check("whole and not stored only while the disk was full", not outside, outside[:5])
    verdict.check("and each of them was counted as dropped", len(lost) <= scene.dropped)
    verdict.check("nothing is stored twice", not duplicates(rows), duplicates(rows)[:5])
    asked = {attempt.trace_id for attempt in scene.crowd.attempts}
    verdict.check("nothing is stored that nobody asked", by_trace.keys() <= asked)
    wrong = [row for trace, row in by_trace.items() if trace in whole and (row["status"], row["error"]) != (200, None)]
    verdict.check("what was whole is stored as whole", not wrong, wrong[:1])
    return lost


async def _texts_are_theirs(verdict: Verdict, scene: Scene, rows: list[dict[str, Any]], lost: set[str]) -> None:
    """Some exchanges in full, from all over the run: each has its own marker. Texts may be missing from a full disk."""
    ids = {row["trace_id"]: row["id"] for row in rows}
    there = [a for a in scene.crowd.attempts if a.whole and a.trace_id not in lost and not scene.was_full(a)]
    some = scene.chance.sample(there, min(_READ, len(there)))
    wrong = [attempt.trace_id for attempt in some if not await _has_marker(scene, attempt, ids[attempt.trace_id])]
    verdict.check(f"{len(some)} read in full have their own words", bool(some) and not wrong, wrong[:5])


async def _has_marker(scene: Scene, attempt: Attempt, exchange_id: str) -> bool:
    answer = await scene.house.ask({"op": "exchange", "id": exchange_id})
    return answer is not None and marker(attempt.trace_id) in json.dumps(answer["exchange"])


async def _sums_agree(verdict: Verdict, scene: Scene, rows: list[dict[str, Any]]) -> None:
    sums = await asyncio.to_thread(scene.profile.sums)
    verdict.check("the store's own rows are as many, and no two alike", sums.rows == sums.distinct == len(rows), sums)
    verdict.note("sums kept beside the rows", sums.groups)
    verdict.check("each is its rows' sum", bool(sums.groups) and not sums.wrong_groups, sums.wrong_groups)
    seed = BudgetSeed(
        rule=scene.budget,
        tenant=DEFAULT_TENANT,
        values=(),
        since=span_at(scene.budget.period, datetime.now(UTC).timestamp()).begins,
    )
    answer = await scene.house.ask({"op": "spent", **seed.as_json()})
    spent_nano = int(sums.cost_usd * _NANO)
    verdict.note("spent, by the store's rows (nano-dollars)", spent_nano)
    verdict.check("the budget begins with that", answer == {"nano_usd": spent_nano, "caught_up": True}, answer)
    found = await probe_budget(scene, spent_nano)
    verdict.check(
        "started anew, it lets pass what still fits to the nano-dollar, and no more", found == (429, 200), found
    )


async def _troubles_were_told(verdict: Verdict, scene: Scene) -> None:
    seen, audited = scene.witness.seen, await scene.audited()
    for what, count in sorted(seen.items()):
        verdict.note(f"seen in {what}", count)
    for what in ("metrics: store breaker open", "health: store breaker open", "health: trouble breaker"):
        verdict.check(f"seen in {what}", seen[what] > 0)
    expected = ["trouble breaker:store", "resolved breaker:store", "reload configuration"]
    if scene.dropped:
        expected.append("trouble journal:dropped")
    for entry in expected:
        verdict.note(f"in the audit log: {entry}", audited[entry])
    verdict.check("all of these are in the audit log", all(audited[entry] for entry in expected), audited)


async def _audit_holds(verdict: Verdict, scene: Scene) -> None:
    done = await asyncio.to_thread(scene.house.run, "audit", "verify", "--json")
    nothing = {"entries": 0, "anchored": None, "fault": done.stderr}
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else nothing
    verdict.note("entries of the audit log", found["entries"])
    holds = done.returncode == 0 and not found["fault"] and found["anchored"] is not None and found["entries"] > 0
    verdict.check("its chain holds, and is anchored", holds, found)
