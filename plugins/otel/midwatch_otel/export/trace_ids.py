"""Ids of the spans we send: the application's own trace where it sent one along, else made from ours, always alike.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import hashlib
import re
from dataclasses import dataclass

from midwatch_core import Exchange

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_FORBIDDEN_VERSION = "ff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a span stands: its trace, and its parent where it has one."""

    trace_id: bytes
    parent_id: bytes = b""


def place_of(exchange: Exchange) -> Place:
    """An exchange's place: a child of the span that the application was in, or a root in a trace of ours."""
    told = _TRACEPARENT.fullmatch((exchange.traceparent or "").strip().lower())
    if told is not None and not told[0].startswith(_FORBIDDEN_VERSION):
        trace_id, parent_id = bytes.fromhex(told[1]), bytes.fromhex(told[2])
        if any(trace_id) and any(parent_id):
            return Place(trace_id=trace_id, parent_id=parent_id)
    return Place(trace_id=made_trace_id(exchange.trace_id))


def made_trace_id(trace_id: str) -> bytes:
    """Our trace id as OpenTelemetry's: the same bytes where it has as many, else made from it."""
    plain = trace_id.replace("-", "").lower()
    if _TRACE_ID.fullmatch(plain) and plain.strip("0"):
        return bytes.fromhex(plain)
    return hashlib.sha256(b"trace\0" + trace_id.encode("utf-8", "replace")).digest()[:16]


def span_id_of(*names: str) -> bytes:
    """A span's id, made from what it is of: who comes twice is the same span, and others can point to it."""
    return hashlib.sha256("\0".join(("span", *names)).encode("utf-8", "replace")).digest()[:8]
