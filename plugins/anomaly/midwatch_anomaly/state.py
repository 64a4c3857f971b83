"""What is known of a tenant, as bytes: a line of JSON that says what follows, then the arrays of its series.

Ages are counts of watched buckets, so that another process may go on with them. A sum over all of it finds what is
torn; what another version, or another length of buckets, wrote is refused.
"""

import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from midwatch_anomaly.anomalies import Running, Where
from midwatch_anomaly.bucket import Part
from midwatch_anomaly.change import Contributor, Explanation, Metric, Scope, Side
from midwatch_anomaly.layout import SIZE
from midwatch_anomaly.metrics_watched import Family
from midwatch_anomaly.series import Series
from midwatch_core import MidwatchError, Severity

VERSION = 1
_BYTES = 4 * SIZE
_MOST_SERIES = 4000


class StateError(MidwatchError):
    """Bytes that are no state of ours; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was read."""

    series: Mapping[Part, Series]
    running: Sequence[tuple[Where, Family, Running]]


def pack(
    series: Mapping[Part, Series],
    running: Sequence[tuple[Where, Family, Running]],
    *,
    watched: int,
    bucket_s: int,
) -> bytes:
    """State as bytes; `watched` is the number of the bucket now."""
    head = {
        "version": VERSION,
        "order": sys.byteorder,
        "bucket_s": bucket_s,
        "size": SIZE,
        "series": [[*part, watched - item.born, watched - item.last, item.hour] for part, item in series.items()],
        "running": [
            [*where, family, item.severity, watched - item.heard, item.calm, item.explanation]
            for where, family, item in running
        ],
    }
    body = orjson.dumps(head) + b"\n" + b"".join(item.cells.tobytes() for item in series.values())
    return b"%08x" % zlib.crc32(body) + body


def unpack(data: bytes, *, watched: int, bucket_s: int) -> Kept:
    """State from bytes. Raises StateError."""
    line, _, numbers = data[8:].partition(b"\n")
    if data[:8] != b"%08x" % zlib.crc32(data[8:]):
        raise StateError("it is torn")
    try:
        head = orjson.loads(line)
        same = [head[key] for key in ("version", "order", "bucket_s", "size")] == [
            VERSION,
            sys.byteorder,
            bucket_s,
            SIZE,
        ]
        if not same:
            raise StateError("it is of another version, or of buckets of another length")
        return Kept(series=_series(head["series"], numbers, watched), running=_running(head["running"], watched))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"it is not ours: {error}") from error


def _series(rows: Sequence[tuple[str, str, int, int, int]], numbers: bytes, watched: int) -> dict[Part, Series]:
    if len(numbers) != _BYTES * len(rows) or len(rows) > _MOST_SERIES:
        raise StateError("it has not the length it should have")
    found = {}
    for number, (scope, name, age, unseen, hour) in enumerate(rows):
        series = Series(born=watched - age, hour=hour)
        series.last = watched - unseen
        del series.cells[:]
        series.cells.frombytes(numbers[number * _BYTES : (number + 1) * _BYTES])
        found[Scope(scope), name] = series
    return found


def _running(
    rows: Sequence[tuple[str, str, str, str, int, int, dict[str, object]]], watched: int
) -> list[tuple[Where, Family, Running]]:
    return [
        (
            (Scope(scope), name),
            Family(family),
            Running(Severity(severity), _explanation(explanation), watched - unheard, calm),
        )
        for scope, name, family, severity, unheard, calm, explanation in rows
    ]


def _explanation(row: dict[str, object]) -> Explanation:
    """TypeError, ValueError and KeyError where it is none."""
    fields = dict(row)
    also, shares = fields.pop("also"), fields.pop("contributors")
    if not isinstance(also, list) or not isinstance(shares, list):
        raise TypeError("lists are missing")
    return Explanation(
        **{**fields, "scope": Scope(fields["scope"]), "metric": Metric(fields["metric"]), "side": Side(fields["side"])},  # type: ignore[arg-type]
        also=tuple(map(Metric, also)),
        contributors=tuple(Contributor(**{**item, "scope": Scope(item["scope"])}) for item in shares),
    )
