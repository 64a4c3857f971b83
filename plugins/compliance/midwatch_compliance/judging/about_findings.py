"""Checks of findings: what was found, what was done about it, and whether people looked."""

from collections.abc import Iterable, Sequence

from midwatch_compliance.evidence.model import Counted, Evidence
from midwatch_compliance.frameworks.model import Check
from midwatch_compliance.judging.judged import Judged, attention, evidenced, unknown

_SERIOUS = frozenset({"high", "critical"})
_RECORDED = frozenset({"allow", "flag"})
_STOPPED = frozenset({"block", "cut"})
_MAX_REFERENCES = 10


def findings(evidence: Evidence, check: Check) -> Judged:
    """Findings of an OWASP item, or of some categories: serious ones that were only recorded need attention."""
    if not evidence.traffic.totals.calls:
        return unknown("No call was made in the period, so there is nothing to show.")
    rows = _rows(evidence, check)
    total = _sum(rows)
    looked = f"In the period's {evidence.traffic.totals.calls:,} calls"
    if check.owasp and evidence.findings.cut:
        looked = f"Among the newest {evidence.findings.looked_at:,} of {evidence.findings.total:,} findings"
    if not total:
        return evidenced(f"{looked} nothing of this kind was found.", {"findings": 0})
    stopped = _sum(row for row in rows if row.action in _STOPPED)
    redacted = _sum(row for row in rows if row.action == "redact")
    open_ = _sum(row for row in rows if row.action in _RECORDED and row.severity in _SERIOUS)
    sentence = (
        f"{looked}, findings of this kind: {total:,}; in calls that were stopped {stopped:,}, redacted {redacted:,}, "
        f"only recorded {total - stopped - redacted:,}."
    )
    numbers = {"findings": total, "stopped": stopped, "redacted": redacted, "serious_only_recorded": open_}
    references = _references(evidence, check)
    if open_:
        return attention(f"{sentence} Only recorded in spite of high severity: {open_:,}.", numbers, references)
    return evidenced(sentence, numbers, references)


def triage(evidence: Evidence, _: Check) -> Judged:
    """Serious findings that nobody judged need attention."""
    rows = evidence.findings.by_state
    serious = [row for row in rows if row.severity in _SERIOUS]
    waiting, judged = _sum(row for row in serious if row.name == "open"), _sum(r for r in rows if r.name != "open")
    which = f"the newest {evidence.findings.looked_at:,} findings" if evidence.findings.cut else "all findings"
    numbers = {"serious": _sum(serious), "serious_open": waiting, "judged": judged}
    if not serious:
        return evidenced(f"There is no finding of high severity among {which}; judged: {judged:,}.", numbers)
    if waiting:
        return attention(
            f"Findings of high severity that nobody judged, among {which}: {waiting:,} of {_sum(serious):,}.", numbers
        )
    return evidenced(f"Findings of high severity among {which}, each of them judged: {_sum(serious):,}.", numbers)


def _rows(evidence: Evidence, check: Check) -> Sequence[Counted]:
    if check.owasp:
        return [row for row in evidence.findings.by_owasp if row.name == check.owasp]
    return [row for row in evidence.findings.by_category if row.name in check.categories]


def _references(evidence: Evidence, check: Check) -> tuple[str, ...]:
    ids = (
        sample.id
        for sample in evidence.findings.samples
        if check.owasp in sample.owasp or sample.category in check.categories
    )
    return tuple(ids)[:_MAX_REFERENCES]


def _sum(rows: Iterable[Counted]) -> int:
    return sum(row.findings for row in rows)
