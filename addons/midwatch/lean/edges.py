"""What the patches that bound strangers' input tell the addons: a hook of ours, `midwatch_edge`.

Where no addon has it, nothing happens; mitmproxy's own hooks keep their order, for nothing waits for this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mitmproxy import connection
from mitmproxy.proxy import commands

from midwatch.lean.arriving import Arriving

HEAD_BEGUN = "head_begun"
"""No refusal: the first bytes of a request's head are here, and the rest is not."""

BODY_BEGUN = "body_begun"
"""No refusal: a request's body is not whole with what was read first. `Edge.body` is how it comes."""

HELD = "held"
"""No refusal: a client has sent as much as is read before its server is connected to; the rest waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Something that a client did: `kind` is one of those above, or the edge that refused it; `text` says why."""

    client: connection.Client
    kind: str
    text: str = ""
    body: Arriving | None = None


@dataclass
class MidwatchEdgeHook(commands.StartHook):
    """A client met an edge in one of mitmproxy's layers."""

    name = "midwatch_edge"
    blocking = False
    edge: Edge
