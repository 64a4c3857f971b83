"""`findings`: what detectors saw in the calls that are kept, one finding a line."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.cli.printing import print_json, print_table, visible
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch_core.errors import ConfigError
from midwatch_core.finding_listing import FindingRow, finding_rows
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Severity

_COLUMNS = ("time", "severity", "rule", "category", "part", "action", "exchange", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which findings: `exchanges` is a filter of exchanges, `severity` the least, `limit` how many."""

    exchanges: Mapping[str, Any]
    category: str | None = None
    severity: Severity = Severity.INFO
    limit: int = 100

    def has(self, finding: FindingRow) -> bool:
        """Whether this one is wanted."""
        return Severity(finding.severity).rank >= self.severity.rank and self.category in (None, finding.category)


def severity_of(name: str | None) -> Severity:
    """A severity by its name, the least for none. Raises ConfigError."""
    try:
        return Severity(name or Severity.INFO)
    except ValueError:
        raise ConfigError(f"--severity {name}: there are {', '.join(Severity)}") from None


def list_findings(home: Home, config_file: Path | None, wanted: Wanted, *, as_json: bool) -> int:
    """Print findings, those of the newest calls first."""
    return asyncio.run(_list(Stored(home, config_file), wanted, as_json=as_json))


async def _list(stored: Stored, wanted: Wanted, *, as_json: bool) -> int:
    cells: list[list[str]] = []
    async with stored.with_findings(wanted.exchanges) as exchanges:
        async for found in _first(exchanges, wanted):
            row = found.as_json()
            if as_json:
                print_json([row])
            else:
                cells.append(_cells(row))
    if cells:
        print_table("", _COLUMNS, cells)
    elif not as_json:
        print("No findings.", file=sys.stderr)
    return 0


async def _first(exchanges: AsyncIterator[Exchange], wanted: Wanted) -> AsyncIterator[FindingRow]:
    left = wanted.limit
    async for exchange in exchanges:
        for found in filter(wanted.has, finding_rows(exchange)):
            yield found
            left -= 1
            if not left:
                return


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["at"][:19].replace("T", " "),
        row["severity"],
        visible(row["rule"]),
        visible(row["category"]),
        row["part"] or "",
        row["action"],
        row["exchange_id"],
        visible((row["evidence"] or row["message"])[:60]),
    ]
