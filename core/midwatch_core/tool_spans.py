"""Tool spans as JSON, for programs and for a row's column, and back."""

from collections.abc import Sequence
from typing import Any

import orjson

from midwatch_core.cursor import microseconds, moment_of
from midwatch_core.model.content import Json
from midwatch_core.model.thread import ToolSpan

# More tools than any agent runs at once; an exchange that brings more results keeps the rest in its detail alone.
MOST = 100


def span_json(span: ToolSpan) -> dict[str, Json]:
    """A tool span as JSON values: moments in RFC 3339."""
    return {
        "call_id": span.call_id,
        "name": span.name,
        "called_by": span.called_by,
        "started_at": span.started_at.isoformat(),
        "ended_at": span.ended_at.isoformat(),
        "duration_ms": span.duration_ms,
        "path": span.path,
        "failed": span.failed,
    }


def write_spans(spans: Sequence[ToolSpan]) -> str | None:
    """Spans as a column keeps them, a list each, moments in microseconds since 1970; None where there are none."""
    return orjson.dumps([_values(span) for span in spans[:MOST]]).decode() if spans else None


def read_spans(text: str | None) -> tuple[ToolSpan, ...]:
    """Spans as `write_spans` wrote them. Raises ValueError, TypeError for a damaged text."""
    return tuple(_span(*values) for values in orjson.loads(text)) if text else ()


def _values(span: ToolSpan) -> tuple[Any, ...]:
    began, ended = microseconds(span.started_at), microseconds(span.ended_at)
    return span.call_id, span.name, span.called_by, began, ended, span.path, span.failed


def _span(call_id: str | None, name: str, called_by: str, began: int, ended: int, path: str, failed: bool) -> ToolSpan:
    return ToolSpan(
        call_id=call_id,
        name=name,
        called_by=called_by,
        started_at=moment_of(began),
        ended_at=moment_of(ended),
        path=path,
        failed=failed,
    )
