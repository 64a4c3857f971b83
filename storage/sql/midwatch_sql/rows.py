"""Rows of a listing to column values and back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from midwatch_core import (
    ExchangeRow,
    FindingRow,
    Severity,
    microseconds,
    moment_of,
    pico,
    read_spans,
    write_spans,
)
from midwatch_sql.columns import FINDINGS, ROW, Kind

# Severities by their rank.
SEVERITIES = tuple(severity.value for severity in Severity)

# A provider may claim any number of tokens. Held below this, millions of such calls still add up in 64 bits.
_LARGEST = 10**12

_INTEGERS = tuple(column.name for column in ROW if column.kind is Kind.INTEGER)
_NAMES = tuple(column.name for column in ROW)
# Those after exchange, place and moment.
_FINDING_NAMES = tuple(column.name for column in FINDINGS[3:])


def values_of(row: ExchangeRow) -> dict[str, Any]:
    """The values of columns.ROW by name, then `cost_pico`. Raises StorageError for a moment or a cost that is none."""
    values = {name: getattr(row, name) for name in _NAMES}
    values["started_at"] = microseconds(row.started_at)
    values["streamed"] = int(row.streamed)
    values["cost_usd"] = None if row.cost_usd is None else str(row.cost_usd)
    values["tools_called"] = orjson.dumps(row.tools_called).decode()
    values["findings"] = orjson.dumps(row.findings).decode()
    values["tool_spans"] = write_spans(row.tool_spans)
    for name in _INTEGERS:
        if values[name] is not None:
            values[name] = max(-_LARGEST, min(values[name], _LARGEST))
    return {**values, "cost_pico": pico(row.cost_usd)}


def finding_values(row: FindingRow, position: int) -> tuple[Any, ...]:
    """The values of columns.FINDINGS of an exchange's finding, `position` counted from 0."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _FINDING_NAMES}
    values["severity"] = Severity(row.severity).rank
    values["owasp"] = orjson.dumps(row.owasp).decode()
    return row.exchange_id, -position, microseconds(row.at), *values.values()


def finding_from(values: Sequence[Any]) -> FindingRow:
    """The row of the values of columns.FINDINGS. Raises as `row_from`."""
    exchange_id, _, started_at, *rest = values
    fields = dict(zip(_FINDING_NAMES, rest, strict=True))
    fields["severity"] = SEVERITIES[fields["severity"]]
    fields["owasp"] = tuple(orjson.loads(fields["owasp"]))
    return FindingRow(exchange_id=exchange_id, at=moment_of(started_at), **fields)


def row_from(values: Sequence[Any]) -> ExchangeRow:
    """The row of the values of columns.ROW. Raises ValueError, LookupError, TypeError, ArithmeticError when damaged."""
    fields = dict(zip(_NAMES, values, strict=True))
    fields["started_at"] = moment_of(fields["started_at"])
    fields["streamed"] = bool(fields["streamed"])
    fields["cost_usd"] = None if fields["cost_usd"] is None else Decimal(fields["cost_usd"])
    fields["tools_called"] = tuple(orjson.loads(fields["tools_called"]))
    fields["findings"] = tuple(orjson.loads(fields["findings"]))
    fields["tool_spans"] = read_spans(fields["tool_spans"])
    return ExchangeRow(**fields)
