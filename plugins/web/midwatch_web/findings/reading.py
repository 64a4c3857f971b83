"""One finding with all that belongs to it: its place, the line of policy behind the action, and who judged it how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from midwatch_core import (
    Exchange,
    Explanation,
    Finding,
    FindingRow,
    Queries,
    TriageState,
    Triaging,
    Verdict,
    exception_yaml,
    explanation_of,
)
from midwatch_web.findings.surroundings import Surroundings, surroundings_of

# Entries of the audit log that are looked through for judgements on one finding.
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One judgement: by whom, when, and the note with it."""

    at: datetime
    by: str
    state: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The page of a finding. `number` is its place among those of its call, `verdict` the strongest that names it.

    `exchange` is None where the call is not kept any more.
    """

    row: FindingRow
    exchange: Exchange | None
    number: int | None
    surroundings: Surroundings | None
    verdict: Verdict | None
    history: tuple[Judgement, ...]
    exception: str = ""

    @property
    def explained(self) -> Explanation:
        """Its message: a heading, and the reasons that it gives."""
        return explanation_of(self.row.message)


async def read_found(queries: Queries, triaging: Triaging | None, finding_id: str) -> Found | None:
    """A finding in scope; None where there is none. Raises StorageError."""
    row = await queries.finding(finding_id)
    if row is None:
        return None
    exchange = await queries.exchange(row.exchange_id)
    number, finding = _placed(exchange, row.id)
    judged = row.state == TriageState.FALSE_POSITIVE
    return Found(
        row=row,
        exchange=exchange,
        number=number,
        surroundings=surroundings_of(exchange, finding) if exchange and finding else None,
        verdict=_verdict(exchange, row.id) if exchange else None,
        history=await _history(queries, row),
        exception=exception_yaml(triaging.exception_for(row)) if triaging is not None and judged else "",
    )


def _placed(exchange: Exchange | None, finding_id: str) -> tuple[int | None, Finding | None]:
    findings = exchange.findings if exchange else ()
    return next(((number, item) for number, item in enumerate(findings) if item.id == finding_id), (None, None))


def _verdict(exchange: Exchange, finding_id: str) -> Verdict | None:
    naming = [item for item in exchange.verdicts if finding_id in item.findings]
    return max(naming, key=lambda item: (not item.dry_run, item.action), default=None)


async def _history(queries: Queries, row: FindingRow) -> tuple[Judgement, ...]:
    """Judgements, newest first: the last one, and those before it that the newest part of the audit log still has."""
    if queries.metadata is None:
        return ()
    latest = [
        Judgement(at=item.at, by=item.by, state=item.state.value, note=item.note)
        for item in await queries.metadata.triage(queries.scope, [row.id])
    ]
    if not latest:
        return ()
    entries = await queries.metadata.audit(queries.scope, limit=_LOOKED_AT)
    records = [entry.record for entry in entries]
    told = [
        _told(item.at, item.actor, item.details)
        for item in records
        if item.action == "triage" and item.subject == row.id
    ]
    return (*latest, *(item for item in told if item not in latest))


def _told(at: datetime, actor: str, details: Mapping[str, str]) -> Judgement:
    return Judgement(at=at, by=actor, state=details.get("state", ""), note=details.get("note", ""))
