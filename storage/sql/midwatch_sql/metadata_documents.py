"""Versions of policies, and reports: how they are written and read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from midwatch_core import PolicyVersion, Report, ReportState, Scope, microseconds, moment_of
from midwatch_sql.columns import POLICIES, REPORTS
from midwatch_sql.dialogue import Dialogue, Statement, chosen, insert, replace
from midwatch_sql.metadata_scope import check_limit, within
from midwatch_sql.moments import optional_microseconds, optional_moment

_VERSIONS = f"{chosen('policies', POLICIES)} WHERE name = :name ORDER BY version DESC LIMIT :limit"
_LATEST = "SELECT coalesce(max(version), 0) FROM policies WHERE name = :name"
_KEEP_VERSION = insert("policies", POLICIES)
_HEADS = REPORTS[:-1]
_KEEP_REPORT = replace("reports", REPORTS)


def policy_versions(name: str, limit: int) -> Dialogue[Sequence[PolicyVersion]]:
    """The versions of a policy, newest first."""
    check_limit(limit, "versions")
    rows = yield Statement(sql=_VERSIONS, values={"name": name, "limit": limit})
    return [
        PolicyVersion(name=name, version=version, text=text, author=author, created_at=moment_of(created_at))
        for name, version, text, author, created_at in rows
    ]


def keep_policy(name: str, text: str, author: str, at: datetime) -> Dialogue[PolicyVersion]:
    """Keep a further version, numbered after the last: nobody else may write until this transaction is over."""
    ((latest,),) = yield Statement(sql=_LATEST, values={"name": name})
    values = {"name": name, "version": latest + 1, "text": text, "author": author, "created_at": microseconds(at)}
    yield Statement(sql=_KEEP_VERSION, values=values)
    return PolicyVersion(name=name, version=latest + 1, text=text, author=author, created_at=at)


def keep_report(report: Report) -> Dialogue[None]:
    """Keep a report, replacing the one of its id."""
    values = {
        "id": report.id,
        "tenant": report.tenant,
        "kind": report.kind,
        "title": report.title,
        "created_at": microseconds(report.created_at),
        "media_type": report.media_type,
        "state": report.state.value,
        "since": optional_microseconds(report.since),
        "until": optional_microseconds(report.until),
        "problem": report.problem,
        "body": report.body,
    }
    yield Statement(sql=_KEEP_REPORT, values=values)


def report(scope: Scope, report_id: str) -> Dialogue[Report | None]:
    """One report in scope."""
    condition, values = within(scope)
    sql = f"{chosen('reports', REPORTS)} WHERE id = :id AND {condition}"
    rows = yield Statement(sql=sql, values={"id": report_id, **values})
    return _report(rows[0]) if rows else None


def reports(scope: Scope, limit: int) -> Dialogue[Sequence[Report]]:
    """The newest reports in scope, newest first, with empty bodies."""
    check_limit(limit, "reports")
    condition, values = within(scope)
    sql = f"{chosen('reports', _HEADS)} WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT :limit"
    rows = yield Statement(sql=sql, values={"limit": limit, **values})
    return [_report((*row, b"")) for row in rows]


def _report(row: Sequence[Any]) -> Report:
    report_id, tenant, kind, title, created_at, media_type, state, since, until, problem, body = row
    return Report(
        id=report_id,
        tenant=tenant,
        kind=kind,
        title=title,
        created_at=moment_of(created_at),
        media_type=media_type,
        body=body,
        state=ReportState(state),
        since=optional_moment(since),
        until=optional_moment(until),
        problem=problem,
    )
