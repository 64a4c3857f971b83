"""Answers to questions about what is kept, as JSON values: the same whether asked over the socket or of the store."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson

from midwatch_core.errors import StorageError
from midwatch_core.finding_listing import FindingFilter
from midwatch_core.listing import row_of
from midwatch_core.model.finding import Severity
from midwatch_core.model.triage import TriageState
from midwatch_core.ports import COST_KEYS, ExchangeFilter
from midwatch_core.queries import Queries

_MOMENTS = ("since", "until")
# What is asked for is a text, but for these.
_KINDS = {"status": int}


async def answer(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `exchanges`, `exchange`, `trace`, `costs`, `findings` or `hosts`; `error` says what is wrong with it."""
    try:
        match question.get("op"):
            case "exchanges":
                return await _exchanges(queries, question)
            case "exchange":
                return await _exchange(queries, question)
            case "trace":
                return await _trace(queries, question)
            case "costs":
                return await _costs(queries, question)
            case "findings":
                return await _findings(queries, question)
            case "hosts":
                return await _hosts(queries, question)
    except KeyError as error:
        return {"error": f"the question has no {error}"}
    except (StorageError, ValueError, TypeError, OverflowError) as error:
        return {"error": str(error)}
    return {"error": f"no such question: {question.get('op')!r}"}


async def _exchanges(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    page = await queries.exchanges(
        filter_of(question.get("filter") or {}), limit=int(question.get("limit", 100)), cursor=question.get("cursor")
    )
    return {"rows": [row.as_json() for row in page.rows], "cursor": page.cursor}


async def _exchange(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    exchange = await queries.exchange(str(question["id"]))
    if exchange is None:
        return {"exchange": None, "row": None}
    return {"exchange": orjson.loads(orjson.dumps(exchange, default=str)), "row": row_of(exchange).as_json()}


async def _trace(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    outline = await queries.outline(str(question["id"]))
    return {"rows": [line.as_json() for line in outline.lines], "cut": outline.cut}


async def _costs(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    by = [str(key) for key in question.get("by") or ()]
    if unknown := [key for key in by if key not in COST_KEYS]:
        raise ValueError(f"costs can't be grouped by {', '.join(unknown)}; there are {', '.join(COST_KEYS)}")
    rows = await queries.costs(filter_of(question.get("filter") or {}), by=by)
    return {
        "rows": [
            {
                **dict(zip(by, row.group, strict=True)),
                "calls": row.calls,
                "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens,
                "cost_usd": float(row.cost_usd),
                "api_equivalent_usd": float(row.api_equivalent_usd),
                "unpriced": row.unpriced,
            }
            for row in rows
        ]
    }


async def _findings(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    state, judged = question.get("state"), queries.metadata is not None
    if state is not None and not judged:
        raise ValueError("triage is not known without control: start midwatch")
    page = await queries.findings(
        finding_filter_of(question.get("filter") or {}),
        state=None if state is None else TriageState(state),
        limit=int(question.get("limit", 100)),
        cursor=question.get("cursor"),
    )
    rows = [dict(row.as_json()) for row in page.rows]
    if not judged:
        for row in rows:
            del row["state"]
    return {"rows": rows, "cursor": page.cursor}


async def _hosts(queries: Queries, question: Mapping[str, Any]) -> dict[str, Any]:
    since, known, client = (question.get(name) for name in ("since", "known", "client"))
    rows = await queries.hosts(
        since=None if since is None else datetime.fromisoformat(since),
        known=None if known is None else bool(known),
        client=None if client is None else str(client),
        limit=int(question.get("limit", 1000)),
    )
    return {"rows": rows}


def filter_of(values: Mapping[str, Any]) -> ExchangeFilter:
    """A filter from JSON values. Raises ValueError for a condition that is not known or has a value of another kind."""
    return ExchangeFilter(**_conditions(values, ExchangeFilter))


def finding_filter_of(values: Mapping[str, Any]) -> FindingFilter:
    """A filter of findings, likewise. Raises ValueError."""
    given = _conditions(values, FindingFilter)
    if "severity" in given:
        given["severity"] = Severity(given["severity"])
    return FindingFilter(**given)


def _conditions(values: Mapping[str, Any], kind: type[ExchangeFilter | FindingFilter]) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"no such filter: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    given: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    for key, value in given.items():
        if not isinstance(value, _KINDS.get(key, str)):
            raise ValueError(f"{key}: {value!r} can't be asked for")
    return given | {key: datetime.fromisoformat(given[key]) for key in _MOMENTS if key in given}
