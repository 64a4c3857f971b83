"""`findings`: what detectors saw in the calls that are kept, one finding a line."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.cli.asking import Asker
from midwatch.cli.printing import print_json, print_table, visible
from midwatch.home import Home
from midwatch_core.errors import ConfigError
from midwatch_core.explanation import explanation_of
from midwatch_core.model.finding import Severity

_COLUMNS = ("time", "severity", "rule", "category", "part", "action", "exchange", "evidence")


def severity_of(name: str | None) -> Severity:
    """A severity by its name, the least for none. Raises ConfigError."""
    try:
        return Severity(name or Severity.INFO)
    except ValueError:
        raise ConfigError(f"--severity {name}: there are {', '.join(Severity)}") from None


def list_findings(home: Home, config_file: Path | None, wanted: Mapping[str, Any], *, limit: int, as_json: bool) -> int:
    """Print findings, those of the newest calls first; `wanted` is a filter of findings as JSON values."""
    rows = Asker(home, config_file).pages({"op": "findings", "filter": dict(wanted)}, limit=limit)
    if as_json:
        print_json(rows)
        return 0
    cells = [_cells(row) for row in rows]
    if cells:
        print_table("", _COLUMNS, cells)
    else:
        print("No findings.", file=sys.stderr)
    return 0


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["at"][:19].replace("T", " "),
        row["severity"],
        visible(row["rule"]),
        visible(row["category"]),
        row["part"] or "",
        row["action"],
        row["exchange_id"],
        visible((row["evidence"] or explanation_of(row["message"]).title)[:60]),
    ]
