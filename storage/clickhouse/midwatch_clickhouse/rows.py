"""Rows of a listing to column values and back."""

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from midwatch_clickhouse.columns import ROW
from midwatch_core import ExchangeRow, StorageError, microseconds, moment_of, pico, read_spans, write_spans

# A provider may claim any number of tokens: the row holds this much, the exchange itself keeps them as they came.
_LARGEST = 10**12
# What DateTime64(6) holds: from 1900 to the end of 2299.
FIRST_US = -2_208_988_800_000_000
LAST_US = 10_413_791_999_999_999

_NAMES = tuple(column.name for column in ROW)
_VALUES = attrgetter(*_NAMES)
_MOMENT, _COST, _SPANS = (_NAMES.index(name) for name in ("started_at", "cost_usd", "tool_spans"))
_INTEGERS = tuple(place for place, column in enumerate(ROW) if "Int64" in column.type)
# As SELECT gives them: the moment as it travels.
SELECTED = ", ".join(f"toUnixTimestamp64Micro(`{n}`)" if n == "started_at" else f"`{n}`" for n in _NAMES)


def values_of(row: ExchangeRow) -> tuple[Any, ...]:
    """The values of columns.ROW, then `cost_pico`. Raises StorageError for a moment or a cost that is none."""
    values = list(_VALUES(row))
    values[_MOMENT] = kept_moment(microseconds(row.started_at))
    values[_COST] = None if row.cost_usd is None else str(row.cost_usd)
    values[_SPANS] = write_spans(row.tool_spans)
    for place in _INTEGERS:
        if values[place] is not None:
            values[place] = max(-_LARGEST, min(values[place], _LARGEST))
    return (*values, pico(row.cost_usd))


def kept_moment(since_epoch_us: int) -> int:
    """The same, where ClickHouse can hold it. Raises StorageError."""
    if not FIRST_US <= since_epoch_us <= LAST_US:
        raise StorageError("a moment before 1900 or after 2299 can't be kept")
    return since_epoch_us


def row_from(values: Sequence[Any]) -> ExchangeRow:
    """The row of the values of SELECTED. Raises ValueError, LookupError, TypeError, ArithmeticError when damaged."""
    fields = dict(zip(_NAMES, values, strict=True))
    fields["started_at"] = moment_of(fields["started_at"])
    fields["streamed"] = bool(fields["streamed"])
    fields["cost_usd"] = None if fields["cost_usd"] is None else Decimal(fields["cost_usd"])
    fields["tools_called"] = tuple(fields["tools_called"])
    fields["findings"] = tuple(fields["findings"])
    fields["tool_spans"] = read_spans(fields["tool_spans"])
    return ExchangeRow(**fields)
