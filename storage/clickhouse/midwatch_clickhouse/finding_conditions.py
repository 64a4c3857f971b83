"""A filter of findings as conditions on exchanges, and on the places of findings in an exchange's arrays."""

from midwatch_clickhouse.conditions import Conditions, add_times, times_of
from midwatch_core import FindingFilter, Scope, Severity

_OF_EXCHANGE = ("tenant", "provider", "model", "app", "agent", "trace_id")
# What is asked of a finding, and the array that has it.
ARRAYS = {
    "category": "finding_categories",
    "severity": "finding_severities",
    "rule": "findings",
    "plugin": "finding_plugins",
    "action": "finding_actions",
    "id": "finding_ids",
}
_OF_FINDING = tuple(name for name in ARRAYS if name != "severity")
# The table's order does not serve a look-up by id: its projection does.
_BY_ID = "(tenant, started_at, id) IN (SELECT tenant, started_at, id FROM exchanges WHERE id = {exchange_id:String})"


def of_findings(scope: Scope, wanted: FindingFilter) -> Conditions:
    """What holds for the exchanges of the findings that are wanted; `places` in them is not empty. Raises StorageError.

    It is for a SELECT that says `places`, see `places_of`.
    """
    found = Conditions(words=["notEmpty(finding_ids)"])
    if scope.tenants is not None:
        found.add("tenant IN {tenants:Array(String)}", tenants=sorted(scope.tenants))
    for name in _OF_EXCHANGE:
        if (value := getattr(wanted, name)) is not None:
            found.add(f"`{name}` = {{{name}:String}}", **{name: value})
    if wanted.exchange_id is not None:
        found.add(_BY_ID, exchange_id=wanted.exchange_id)
    add_times(found, *times_of(wanted))
    _add_findings(found, wanted)
    return found


def _add_findings(found: Conditions, wanted: FindingFilter) -> None:
    for name in _OF_FINDING:
        if (value := getattr(wanted, name)) is not None:
            # One of them has it: for this the server has an index, over ids, and reads one array.
            found.add(f"has({ARRAYS[name]}, {{f_{name}:String}})", **{f"f_{name}": value})
    if wanted.severity is not None:
        least = wanted.severity.rank
        found.values["f_severities"] = [one.value for one in Severity if one.rank >= least]
        found.add("hasAny(finding_severities, {f_severities:Array(String)})")
    found.add("notEmpty(places)")


def places_of(wanted: FindingFilter) -> str:
    """The expression `places`: which findings of an exchange are wanted, counted from 1 in their order there."""
    asked = [f"{ARRAYS[name]}[n] = {{f_{name}:String}}" for name in _OF_FINDING if getattr(wanted, name) is not None]
    if wanted.severity is not None:
        asked.append("has({f_severities:Array(String)}, finding_severities[n])")
    every = "arrayEnumerate(finding_ids)"
    chosen = f"arrayFilter(n -> {' AND '.join(asked)}, {every})" if asked else every
    return f"{chosen} AS places"
