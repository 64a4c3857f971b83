"""`traces tree`: a conversation as an outline, its calls, branches, and the tools that ran in between."""

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from midwatch.cli.asking import Asker
from midwatch.cli.printing import cost_of, count, milliseconds, money, print_json, print_table, print_text, visible
from midwatch.home import Home

_COLUMNS = ("time", "turn", "model or tool", "in", "out", "cost", "total", "ended", "id")
_NUMBERS = ("in", "out", "cost", "total")
_STEP = "   "


def show_trace(home: Home, config_file: Path | None, trace_id: str, *, as_json: bool) -> int:
    """Print a trace; 1 where there is none of this id."""
    answer = Asker(home, config_file).ask({"op": "trace", "id": trace_id})
    rows = answer["rows"]
    if not rows:
        print(f"midwatch: no trace {visible(trace_id)}", file=sys.stderr)
        return 1
    if as_json:
        print_json(rows)
        return 0
    print_text(_heading(trace_id, rows, cut=answer["cut"]))
    print_table("", _COLUMNS, [cells for row in rows for cells in _cells(row)], right=_NUMBERS)
    return 0


def tool_line(span: Mapping[str, Any]) -> str:
    """A tool span in words."""
    began, ended = datetime.fromisoformat(span["started_at"]), datetime.fromisoformat(span["ended_at"])
    took = milliseconds((ended - began).total_seconds() * 1000)
    return f"{visible(span['name'])}  {took}{'  failed' if span['failed'] else ''}"


def _heading(trace_id: str, rows: list[dict[str, Any]], *, cut: bool) -> str:
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    tools = sum(len(row["tool_spans"]) for row in rows)
    parts = [
        f"trace {visible(trace_id)}",
        f"{len(rows)} call{'s' if len(rows) != 1 else ''}{' (the newest)' if cut else ''}",
        f"{tools} tool{'s' if tools != 1 else ''} ran",
        money(sum(known)) + (" and calls of unknown cost" if len(known) < len(rows) else ""),
    ]
    return " · ".join(parts)


def _cells(row: Mapping[str, Any]) -> Iterator[list[str]]:
    """The tools whose results a call brought, then the call."""
    indent = _STEP * row["depth"]
    for span in row["tool_spans"]:
        yield [
            span["ended_at"][11:19],
            f"{indent}{_STEP}tool",
            visible(span["name"]),
            *("",) * 3,
            milliseconds(span["duration_ms"]),
            "failed" if span["failed"] else "",
            "",
        ]
    yield [
        str(row["started_at"])[11:19],
        indent + (row["turn"] or ""),
        visible(row["model"] or row["operation"]),
        count(row["input_tokens"]),
        count(row["output_tokens"]),
        cost_of(row),
        milliseconds(row["duration_ms"]),
        row["finish_reason"] or row["error"] or "",
        row["id"],
    ]
