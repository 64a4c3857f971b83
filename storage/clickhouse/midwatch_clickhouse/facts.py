"""What a row says of its exchange beside the listing: whether it failed or was refused, and its findings one by one.

Rows of before this stood in columns have it in their detail: the columns' defaults take it from there.
"""

from midwatch_clickhouse.columns import FACTS
from midwatch_core import Action, Exchange, action_on, activity_of, dump_json

_FINDINGS = "JSONExtractArrayRaw(detail, 'exchange', 'findings')"
# The actions of verdicts that were carried out because of the finding `x`; where there are none it was put on record.
_DONE = (
    "arrayMap(v -> JSONExtractInt(v, 'action'), arrayFilter("
    "v -> NOT JSONExtractBool(v, 'dry_run') AND has(JSONExtract(v, 'findings', 'Array(String)'), x),"
    " JSONExtractArrayRaw(detail, 'exchange', 'verdicts')))"
)
_ACTIONS = f"[{', '.join(repr(action.name.lower()) for action in Action)}]"
_STRONG = f"({', '.join(repr(action.name.lower()) for action in Action if action >= Action.CUT)})"
_ON_RECORD = f"if(action = {Action.ALLOW.name.lower()!r}, {Action.ALLOW:d}, {Action.FLAG:d})"
# Not the column `error`: it has none where the error is an empty text.
_BROKE = (
    "(ifNull(status, 500) >= 400 OR JSONExtractRaw(detail, 'exchange', 'error') NOT IN ('', 'null')"
    " OR JSONExtractRaw(detail, 'exchange', 'response', 'error') NOT IN ('', 'null'))"
)


def _each(name: str) -> str:
    return f"arrayMap(x -> JSONExtractString(x, '{name}'), {_FINDINGS})"


# What stands for a column of FACTS where a row was written before there was one.
DEFAULTS = {
    "errors": f"action NOT IN {_STRONG} AND {_BROKE}",
    "refused": f"action IN {_STRONG}",
    "finding_ids": _each("id"),
    "finding_categories": _each("category"),
    "finding_severities": _each("severity"),
    "finding_plugins": _each("plugin"),
    "finding_actions": (
        f"arrayMap(x -> {_ACTIONS}[1 + if(empty({_DONE}), {_ON_RECORD}, arrayMax({_DONE}))], {_each('id')})"
    ),
    "finding_documents": _FINDINGS,
}


def facts_of(exchange: Exchange) -> tuple[object, ...]:
    """The values of columns.FACTS. Raises TypeError, ValueError, RecursionError for values JSON can't hold."""
    activity, findings = activity_of(exchange), exchange.findings
    values = {
        "errors": activity.errors,
        "refused": activity.refused,
        "finding_ids": [one.id for one in findings],
        "finding_categories": [one.category for one in findings],
        "finding_severities": [one.severity.value for one in findings],
        "finding_plugins": [one.plugin for one in findings],
        "finding_actions": [action_on(exchange, one).name.lower() for one in findings],
        "finding_documents": [dump_json(one).decode() for one in findings],
    }
    return tuple(values[column.name] for column in FACTS)
