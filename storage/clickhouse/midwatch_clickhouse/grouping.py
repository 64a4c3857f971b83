"""The keys that sums and counts are grouped by: as columns of a SELECT, and as the labels that callers see."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from midwatch_clickhouse.schema import HOUR_US
from midwatch_core import moment_of

_PERIODS = {"day": (24 * HOUR_US, "%Y-%m-%d"), "hour": (HOUR_US, "%Y-%m-%dT%H:00")}


def key_columns(by: Sequence[str], hour: str, others: Mapping[str, str] | None = None) -> list[str]:
    """The columns `k0`, `k1`, …: `hour` is the expression of the hour, `others` are of keys that are no columns."""
    expressions = {
        "hour": f"toInt32({hour})",
        "day": f"toInt32(intDiv({hour} - positiveModulo({hour}, 24), 24))",
        **(others or {}),
    }
    return [f"{expressions.get(key, f'`{key}`')} AS k{number}" for number, key in enumerate(by)]


def labels_of(by: Sequence[str], group: Sequence[Any]) -> tuple[str | None, ...]:
    """A group's values as callers see them: days and hours in UTC."""
    return tuple(_period(key, value) if key in _PERIODS else value for key, value in zip(by, group, strict=True))


@lru_cache(maxsize=4096)
def _period(key: str, number: int) -> str:
    length_us, form = _PERIODS[key]
    return moment_of(number * length_us).strftime(form)
