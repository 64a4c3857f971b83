"""Kinds of reports and reports as JSON values, the same for every face. Names are stable: add, never rename."""

from midwatch_core.model.content import Json
from midwatch_core.model.document import Report
from midwatch_core.report_desk import ReportKind


def kind_row(kind: ReportKind) -> dict[str, Json]:
    """A kind of report: what can be asked for, and what a format `needs` that can't be had yet."""
    return {
        "name": kind.name,
        "title": kind.title,
        "help": kind.help,
        "formats": list(kind.formats),
        "needs": dict(kind.needs),
    }


def report_row(report: Report) -> dict[str, Json]:
    """A report without its document; moments are ISO 8601."""
    return {
        "id": report.id,
        "kind": report.kind,
        "title": report.title,
        "tenant": report.tenant,
        "state": report.state.value,
        "created_at": report.created_at.isoformat(),
        "since": None if report.since is None else report.since.isoformat(),
        "until": None if report.until is None else report.until.isoformat(),
        "problem": report.problem,
    }
