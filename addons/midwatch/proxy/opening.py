"""From a flow to the call it opens: its request read in its dialect, and all that is known before an answer comes.

Beside `watching` and `sockets`, for flows as they pass; `replay` does the same with flows that were recorded.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from mitmproxy import http

from midwatch.proxy import bridge
from midwatch_core.call import Opening
from midwatch_core.ids import uuid7
from midwatch_core.model.exchange import Transport
from midwatch_core.model.identity import Identity
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.decoding import DecodedRequest, decode_request
from midwatch_core.wire.dialect import Dialect, call_dialect
from midwatch_core.wire.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is a call: what the catalogue says of it, its dialect bound to it, and what it says."""

    match: Match
    dialect: Dialect
    target: Target
    decoded: DecodedRequest


def asked_of(
    flow: http.HTTPFlow, match: Match, dialect: Dialect, *, unread: str, oversize: bool = False
) -> Asked | None:
    """The request of a flow; None where it is no call by its shape.

    `unread` says why there is no body, where there is none; `oversize` where it was too large to be looked at.
    """
    target = bridge.target_of(flow, match)
    # Where `store_streamed_bodies` is set, mitmproxy has kept it all the same.
    body = None if oversize else flow.request.raw_content
    decoded = _decoded(flow, body, target, dialect, unread)
    if not match.takes(decoded.document, oversize=oversize):
        return None
    if (for_calls := call_dialect(dialect)) is not None:
        dialect = for_calls.bound(decoded.document, target)
    return Asked(match=match, dialect=dialect, target=target, decoded=decoded)


def opening_of(
    flow: http.HTTPFlow,
    asked: Asked,
    identity: Identity,
    *,
    at: datetime,
    began_s: float,
    own_sessions: tuple[str, ...] = (),
    transport: Transport = Transport.HTTP,
    call_id: str | None = None,
) -> Opening:
    """What a call begins with; its id is a new one unless it has one. `own_sessions` are configured headers."""
    return Opening(
        id=call_id or uuid7(at.timestamp()),
        started_at=at,
        began_s=began_s,
        endpoint=bridge.endpoint_of(flow, asked.match),
        identity=identity,
        dialect=asked.dialect,
        decoded=asked.decoded,
        traceparent=asked.target.headers.get("traceparent"),
        session=bridge.conversation_of(flow, asked.decoded, own_sessions),
        listens=asked.match.listens,
        transport=transport,
    )


def _decoded(flow: http.HTTPFlow, body: bytes | None, target: Target, dialect: Dialect, unread: str) -> DecodedRequest:
    if body is None:  # what the target tells is all we know
        decoded = decode_request(dialect, b"", target)
        return replace(decoded, request=replace(decoded.request, decode_error=unread))
    return decode_request(dialect, body, target, flow.request.headers.get("content-encoding", ""))
