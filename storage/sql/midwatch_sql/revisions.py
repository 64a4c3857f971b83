"""The revisions of both parts, what stands in a database at each, and what a database found says about itself.

Traces and metadata have a version table and a line of revisions each: they may share a database, or not.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from midwatch_core import SchemaError, SchemaState

type Part = Literal["traces", "metadata"]

# Oldest first. With each, the tables (`name`) and columns (`table.column`) that it leaves, as far as they tell it from
# the others: all of them are there at that revision, those of others are not. A test holds this to migrations/.
REVISIONS: Mapping[Part, Mapping[str, frozenset[str]]] = {
    "traces": {
        "traces_0001": frozenset({"exchanges", "pieces"}),
        "traces_0002": frozenset(
            {"exchanges", "exchanges.group_id", "pieces", "cost_groups", "cost_hours", "cost_days"}
        ),
        "traces_0003": frozenset(
            {
                "exchanges",
                "exchanges.group_id",
                "exchanges.session",
                "pieces",
                "cost_groups",
                "cost_groups.cost_basis",
                "cost_hours",
                "cost_days",
            }
        ),
        "traces_0004": frozenset(
            {
                "exchanges",
                "exchanges.group_id",
                "exchanges.session",
                "exchanges.failed",
                "pieces",
                "cost_groups",
                "cost_groups.cost_basis",
                "cost_hours",
                "cost_hours.errors",
                "cost_days",
                "cost_days.errors",
                "conversations",
                "findings",
                "finding_days",
            }
        ),
    },
    "metadata": {
        "metadata_0001": frozenset({"settings", "audit"}),
        "metadata_0002": frozenset({"settings", "audit_entries", "tenants", "api_keys", "policies", "reports"}),
        "metadata_0003": frozenset(
            {"settings", "audit_entries", "tenants", "api_keys", "policies", "reports", "sightings"}
        ),
        "metadata_0004": frozenset(
            {
                "settings",
                "audit_entries",
                "tenants",
                "api_keys",
                "policies",
                "reports",
                "reports.state",
                "sightings",
                "triage",
            }
        ),
        "metadata_0005": frozenset(
            {
                "settings",
                "audit_entries",
                "tenants",
                "api_keys",
                "policies",
                "reports",
                "reports.state",
                "sightings",
                "triage",
                "incidents",
            }
        ),
    },
}
HEADS: Mapping[Part, str] = {part: list(revisions)[-1] for part, revisions in REVISIONS.items()}


def version_table(part: Part) -> str:
    """Where alembic notes a part's revision."""
    return f"{part}_version"


def schema_state(part: Part, *, noted: Sequence[str], present: Collection[str]) -> SchemaState:
    """How a part stands: `noted` is what its version table holds, `present` the tables and columns that there are."""
    known = list(REVISIONS[part])
    current = max(noted, default=None)
    done = known.index(current) + 1 if current in known else 0
    return SchemaState(
        current=current,
        head=HEADS[part],
        pending=() if current is not None and current not in known else tuple(known[done:]),
        problem=_problem(part, noted, frozenset(present)),
    )


def _problem(part: Part, noted: Sequence[str], present: frozenset[str]) -> str | None:
    known = REVISIONS[part]
    current = max(noted, default=None)
    if current is not None and current not in known:
        return _foreign(part, current)
    marks = frozenset().union(*known.values())
    due = known[current] if current is not None else frozenset[str]()
    missing, surplus = sorted(due - present), sorted((marks - due) & present)
    if len(noted) < 2 and not missing and not surplus:
        return None
    found = [*(f"no {name}" for name in missing), *surplus, *(f"{part} at {name}" for name in noted[1:])]
    return (
        f"half of a migration: its {part} are noted at {current or 'nothing'}, and there is {', '.join(found)}: "
        "restore a copy, or name another database"
    )


def _foreign(part: Part, current: str) -> str:
    if current > HEADS[part]:
        return (
            f"written by a newer Midwatch (its {part} are at {current}, this one knows {HEADS[part]}): "
            "update Midwatch, or name another database"
        )
    return f"its {part} are noted at {current[:60]!r}, which is no revision of Midwatch: name another database"


def check_usable(name: str, part: Part, state: SchemaState, *, migrate: bool) -> None:
    """Raises SchemaError for a problem, or where a migration is due and `migrate` says that it is not done unasked."""
    if state.problem is not None:
        raise SchemaError(f"{name}: {state.problem}")
    if not migrate and not state.is_current:
        raise SchemaError(
            f"{name}: its {part} are at {state.current or 'nothing'}, this Midwatch needs {state.head}; "
            "run: midwatch migrate up"
        )


def check_revision(part: Part, revision: str | None) -> None:
    """Raises SchemaError for a revision there is none of; None is the state before the first."""
    if revision is not None and revision not in REVISIONS[part]:
        raise SchemaError(f"no revision {revision[:60]!r}: there are {', '.join(REVISIONS[part])}")
