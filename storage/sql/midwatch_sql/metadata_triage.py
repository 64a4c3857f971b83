"""What people made of findings: how judgements are written, read and forgotten."""

from collections.abc import Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from midwatch_core import MOST_JUDGED, Scope, StorageError, Triage, TriageState, microseconds, moment_of
from midwatch_sql.columns import TRIAGE
from midwatch_sql.dialogue import Dialogue, Statement, chosen, replace
from midwatch_sql.metadata_scope import holding, within
from midwatch_sql.moments import optional_microseconds

# With the scope's tenants far below the number of values that any build of SQLite takes in one statement (999).
_ASKED_AT_ONCE = 500
_KEEP = replace("triage", TRIAGE)


def keep_triage(triage: Triage) -> Dialogue[None]:
    """Keep a judgement, replacing the one on the same finding."""
    values = {
        "finding_id": triage.finding_id,
        "tenant": triage.tenant,
        "rule": triage.rule,
        "state": triage.state.value,
        "judge": triage.by,
        "at": microseconds(triage.at),
        "note": triage.note,
    }
    yield Statement(sql=_KEEP, values=values)


def triage(scope: Scope, finding_ids: Sequence[str]) -> Dialogue[Sequence[Triage]]:
    """The judgements in scope on these findings. Raises StorageError for more than MOST_JUDGED."""
    if len(finding_ids) > MOST_JUDGED:
        raise StorageError(f"{len(finding_ids)} findings asked for: at most {MOST_JUDGED} at once")
    found: list[Triage] = []
    for ids in batched(dict.fromkeys(finding_ids), _ASKED_AT_ONCE):
        condition, values = within(scope)
        asked = {f"id_{place}": finding_id for place, finding_id in enumerate(ids)}
        marks = ", ".join(f":{name}" for name in asked)
        sql = f"{chosen('triage', TRIAGE)} WHERE finding_id IN ({marks}) AND {condition}"
        rows = yield Statement(sql=sql, values={**asked, **values})
        found += [_triage(row) for row in rows]
    return found


def _triage(row: Sequence[Any]) -> Triage:
    finding_id, tenant, rule, state, judge, at, note = row
    return Triage(
        finding_id=finding_id,
        tenant=tenant,
        rule=rule,
        state=TriageState(state),
        by=judge,
        at=moment_of(at),
        note=note,
    )


def forget_triage(before: datetime | None, tenant: str | None) -> Dialogue[int]:
    """Forget those of which all that is given holds; how many went."""
    condition, values = holding({"at < :before": optional_microseconds(before), "tenant = :tenant": tenant})
    which = f"FROM triage WHERE {condition}"
    ((count,),) = yield Statement(sql=f"SELECT count(*) {which}", values=values)
    yield Statement(sql=f"DELETE {which}", values=values)
    return int(count)
