"""`report`: reports are made and kept by control; this asks it, and writes files."""

import asyncio
import base64
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.cli.administrator import through_control
from midwatch.cli.asking import AskError
from midwatch.cli.printing import print_json, print_table, print_text, visible
from midwatch.home import Home, write_private
from midwatch.lines import ControlAbsentError
from midwatch_core.errors import ConfigError

# A PDF is drawn while we wait.
_TIMEOUT_S = 300.0
_LOOK_S = 0.2
_KINDS = ("kind", "title", "what it tells", "formats")
_REPORTS = ("id", "report", "tenant", "from", "to", "state", "problem")
_FORMATS = ("json", "html", "pdf")


def list_kinds(home: Home, *, as_json: bool) -> int:
    """Print what can be reported on."""
    rows = _ask(home, {"op": "report_kinds"})["rows"]
    if as_json:
        print_json(rows)
    elif rows:
        print_table("", _KINDS, [_kind(row) for row in rows])
    else:
        print("Nothing here makes reports: the plugin compliance does, and it is not loaded", file=sys.stderr)
    return 0


def list_reports(home: Home, *, limit: int, as_json: bool) -> int:
    """Print reports, newest first."""
    rows = _ask(home, {"op": "reports", "limit": limit})["rows"]
    if as_json:
        print_json(rows)
    elif rows:
        print_table("", _REPORTS, [_cells(row) for row in rows])
    else:
        print("No report was made yet: midwatch report make gdpr --out gdpr.html", file=sys.stderr)
    return 0


def make_report(home: Home, order: Mapping[str, Any], form: str | None, out: Path | None, *, as_json: bool) -> int:
    """Have one made, wait for it, and write it where that is asked for. 1 where it could not be made."""
    chosen = _format(form, out) if form or out else None
    row = _finished(home, _ask(home, {"op": "report_order", **order})["row"])
    if row["state"] != "done":
        raise AskError(f"the report could not be made: {row['problem']}")
    if chosen is not None:
        return _write(home, row["id"], chosen, out)
    if as_json:
        print_json([row])
    else:
        print_text(f"{row['id']}: midwatch report export {row['id']} --out FILE.html")
    return 0


def export_report(home: Home, report_id: str, form: str | None, out: Path | None) -> int:
    """Write a finished report to a file, or to standard output."""
    return _write(home, report_id, _format(form, out), out)


def _finished(home: Home, row: dict[str, Any]) -> dict[str, Any]:
    """The report when it is done or failed, however long that takes: one that waits for others is not late."""
    while row["state"] == "pending":
        time.sleep(_LOOK_S)
        found = _ask(home, {"op": "report", "id": row["id"]})["row"]
        if found is None:
            raise AskError(f"the report {row['id']} is gone")
        row = found
    return row


def _write(home: Home, report_id: str, form: str, out: Path | None) -> int:
    answer = _ask(home, {"op": "report_rendered", "id": report_id, "form": form})
    if answer["filename"] is None:
        raise AskError(f"there is no report {report_id}")
    body = base64.b64decode(answer["body"])
    if out is not None and str(out) == "-":
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return 0
    file = out or Path(answer["filename"])
    try:
        write_private(file, body)
    except OSError as error:
        raise ConfigError(f"--out {file}: {error.strerror or error}") from error
    print_text(str(file))
    return 0


def _format(form: str | None, out: Path | None) -> str:
    """The format asked for, else that of the file's name, else HTML. Raises ConfigError."""
    chosen = form or (out.suffix.removeprefix(".").lower() if out is not None else "") or "html"
    if chosen not in _FORMATS and form is None:
        raise ConfigError(f"--out {out}: say which --format: {', '.join(_FORMATS)}")
    return chosen


def _ask(home: Home, message: dict[str, Any]) -> dict[str, Any]:
    """Control's answer. Raises AskError."""
    try:
        answer = asyncio.run(through_control(home, message, _TIMEOUT_S))
    except ControlAbsentError as error:
        raise AskError(f"nothing runs in {home.root}: reports are made by a running Midwatch") from error
    if problem := answer.get("error"):
        raise AskError(str(problem))
    return answer


def _kind(row: Mapping[str, Any]) -> list[str]:
    """A format that can't be had yet stands there with what brings it."""
    needs = row.get("needs", {})
    formats = [f"{form} ({visible(needs[form])})" if form in needs else form for form in row["formats"]]
    return [row["name"], visible(row["title"]), visible(row["help"]), ", ".join(formats)]


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["id"],
        visible(row["title"]),
        visible(row["tenant"] or "(all)"),
        str(row["since"] or "")[:10],
        str(row["until"] or "")[:10],
        row["state"],
        visible(row["problem"] or ""),
    ]
