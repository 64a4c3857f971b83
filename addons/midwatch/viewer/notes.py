"""What a flow says of its calls: their rows, kept with the flow (in files too), and one line and a mark for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mitmproxy import http
from mitmproxy.flow import Flow

from midwatch.cli.printing import cost_of
from midwatch.viewer.visible import visible_line

# Under this name in the flow's metadata.
_KEY = "midwatch"
# A socket has many calls: the oldest are left out.
MOST_CALLS = 256
_MOST_RULES = 10
_KEYS = frozenset(
    {
        "id",
        "provider",
        "model",
        "operation",
        "status",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "cost_basis",
        "findings",
        "action",
        "finish_reason",
        "error",
    }
)
_DONE = {"block": "blocked", "cut": "cut", "redact": "redacted"}
# mitmproxy's names of markers.
_MARKS = {"block": ":no_entry:", "cut": ":scissors:", "redact": ":lock:"}
_FOUND = ":warning:"
# Of HTTP's statuses.
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Note:
    """The rows of a flow's calls, oldest first, and the comment and the mark that it has from us."""

    rows: tuple[Mapping[str, Any], ...] = ()
    comment: str = ""
    marked: str = ""

    @property
    def line(self) -> str:
        """One line about all calls; empty where there are none."""
        return _line(self.rows) if self.rows else ""

    @property
    def mark(self) -> str:
        """mitmproxy's marker for the worst of it; empty where nothing was found and nothing done."""
        actions = {str(row["action"]) for row in self.rows}
        done = next((mark for action, mark in _MARKS.items() if action in actions), "")
        return done or (_FOUND if any(row["findings"] for row in self.rows) else "")


def note_of(flow: Flow) -> Note:
    """The note of a flow, empty where it has none, or one from a file that somebody else wrote."""
    kept = flow.metadata.get(_KEY)
    if not isinstance(kept, dict) or not isinstance(kept.get("calls"), list):
        return Note()
    rows = tuple(row for row in kept["calls"] if isinstance(row, dict) and row.keys() >= _KEYS)
    return Note(rows, str(kept.get("comment") or ""), str(kept.get("marked") or ""))


def is_noted(flow: Flow) -> bool:
    """Whether a flow is a call of which something is, or will be, noted."""
    return _KEY in flow.metadata


def begin_note(flow: http.HTTPFlow) -> None:
    """A call begins. Of one that is played again, what was noted before is forgotten; a socket's calls add up."""
    if flow.websocket is None or not is_noted(flow):
        before = note_of(flow)
        flow.metadata[_KEY] = {"calls": [], "comment": before.comment, "marked": before.marked}


def note_row(flow: Flow, row: Mapping[str, Any]) -> str | None:
    """Note a call, or what is newly known of it; the id of the call that was left out for it.

    The flow's comment and marker follow, unless somebody has put others in their place.
    """
    note = note_of(flow)
    kept = {key: row[key] for key in sorted(_KEYS)} | {"findings": list(row["findings"])}
    rows = [kept if one["id"] == kept["id"] else one for one in note.rows]
    if kept not in rows:
        rows.append(kept)
    out, rows = rows[:-MOST_CALLS], rows[-MOST_CALLS:]
    fresh = Note(tuple(rows))
    if flow.comment in ("", note.comment):
        flow.comment = fresh.line
    if flow.marked in ("", note.marked):
        flow.marked = fresh.mark
    flow.metadata[_KEY] = {"calls": rows, "comment": fresh.line, "marked": fresh.mark}
    return str(out[0]["id"]) if out else None


def _line(rows: tuple[Mapping[str, Any], ...]) -> str:
    names = list(dict.fromkeys(f"{row['provider']} {row['model'] or row['operation']}" for row in rows))
    done = [word for action, word in _DONE.items() if any(row["action"] == action for row in rows)]
    failed = [failure for row in rows if (failure := _failure(row))]
    parts = [
        visible_line(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else ""),
        f"{len(rows)} calls" if len(rows) > 1 else "",
        _tokens(rows),
        _cost(rows),
        _findings(rows),
        *done,
        *map(visible_line, failed[:1]),
    ]
    return " · ".join(part for part in parts if part)


def _failure(row: Mapping[str, Any]) -> str:
    """A status that says it, else what ended the call; empty where all went well."""
    status = row["status"] or 0
    return str(status if status >= _FIRST_ERROR else row["error"] or "")


def _findings(rows: tuple[Mapping[str, Any], ...]) -> str:
    """How many, and the rules that fired, without the name of their packs' maker."""
    found = [str(rule) for row in rows for rule in row["findings"]]
    rules = list(dict.fromkeys("/".join(rule.split("/")[-2:]) for rule in found))
    more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
    named = ", ".join(visible_line(rule) for rule in rules[:_MOST_RULES]) + more
    return f"{len(found)} finding{'s' if len(found) > 1 else ''}: {named}" if found else ""


def _tokens(rows: tuple[Mapping[str, Any], ...]) -> str:
    sums = []
    for key in ("input_tokens", "output_tokens"):
        known = [row[key] for row in rows if row[key] is not None]
        sums.append(f"{sum(known):,}" if known else "?")
    return "" if sums == ["?", "?"] else f"{sums[0]}→{sums[1]} tokens"


def _cost(rows: tuple[Mapping[str, Any], ...]) -> str:
    """What they cost together, as far as that is known."""
    known = [row for row in rows if row["cost_usd"] is not None]
    if not known:
        return ""
    return cost_of({**known[-1], "cost_usd": sum(row["cost_usd"] for row in known)})
