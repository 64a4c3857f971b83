"""Evidence of findings: counts from the store's sums, and the newest findings one by one for what sums don't have."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from midwatch_compliance.evidence.model import Counted, Findings, Sample
from midwatch_core import FindingCount, FindingFilter, FindingRow, Queries

# Findings that are looked at one by one, newest first.
MAX_LOOKED_AT = 10_000
# References of one category, and of one OWASP item.
MAX_SAMPLES = 3
_PAGE = 1000
_MAX_GROUPS = 500
_MAX_TEXT = 300


async def findings_of(queries: Queries, wanted: FindingFilter) -> Findings:
    """The findings of a period. Raises StorageError."""
    by_category = await queries.finding_counts(wanted, by=("category", "severity", "action"))
    by_rule = await queries.finding_counts(wanted, by=("rule", "severity", "action"))
    total = sum(row.findings for row in by_category)
    look = _Look()
    cursor: str | None = None
    while total and look.seen < MAX_LOOKED_AT:
        page = await queries.findings(wanted, limit=_PAGE, cursor=cursor)
        look.take(page.rows)
        cursor = page.cursor
        if cursor is None:
            break
    return Findings(
        total=total,
        by_category=_counted(by_category),
        by_rule=_counted(by_rule),
        by_owasp=look.counted(look.owasp),
        by_state=look.counted(look.states),
        looked_at=look.seen,
        cut=cursor is not None,
        samples=tuple(look.samples.values()),
    )


@dataclass(slots=True)
class _Look:
    """What was counted so far: by name, severity and action."""

    seen: int = 0
    owasp: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    samples: dict[str, Sample] = field(default_factory=dict)
    _sampled: Counter[str] = field(default_factory=Counter)

    def take(self, rows: Iterable[FindingRow]) -> None:
        for row in rows:
            self.seen += 1
            self.states[row.state, row.severity, row.action] += 1
            for item in row.owasp:
                self.owasp[item, row.severity, row.action] += 1
            self._sample(row)

    def _sample(self, row: FindingRow) -> None:
        """Keep it as a reference where one of its groups has too few."""
        groups = [row.category, *row.owasp]
        if len(self.samples) < _MAX_GROUPS and any(self._sampled[group] < MAX_SAMPLES for group in groups):
            self._sampled.update(groups)
            self.samples[row.id] = sample_of(row)

    def counted(self, counts: Counter[tuple[str, str, str]]) -> tuple[Counted, ...]:
        return tuple(
            Counted(name=name, severity=severity, action=action, findings=findings)
            for (name, severity, action), findings in counts.most_common(_MAX_GROUPS)
        )


def sample_of(row: FindingRow) -> Sample:
    """A finding as a reference, its texts cut."""
    return Sample(
        id=row.id,
        exchange_id=row.exchange_id,
        trace_id=row.trace_id,
        at=row.at,
        tenant=row.tenant,
        rule=row.rule,
        category=row.category,
        owasp=row.owasp,
        severity=row.severity,
        action=row.action,
        state=row.state,
        message=row.message[:_MAX_TEXT],
        evidence=None if row.evidence is None else row.evidence[:_MAX_TEXT],
    )


def _counted(rows: Sequence[FindingCount]) -> tuple[Counted, ...]:
    return tuple(
        Counted(name=row.group[0] or "", severity=row.group[1] or "", action=row.group[2] or "", findings=row.findings)
        for row in rows[:_MAX_GROUPS]
    )
