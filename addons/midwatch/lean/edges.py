"""What the patches that bound strangers' input tell the addons: a hook of ours, `midwatch_edge`.

Where no addon has it, nothing happens; mitmproxy's own hooks keep their order, for nothing waits for this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mitmproxy import connection
from mitmproxy.proxy import commands

HEAD_BEGUN = "head_begun"
"""No refusal: the first bytes of a request's head are here, and the rest is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Something that a client did: `kind` is HEAD_BEGUN or the edge at which it was refused, `text` says why."""

    client: connection.Client
    kind: str
    text: str = ""


@dataclass
class MidwatchEdgeHook(commands.StartHook):
    """A client met an edge in one of mitmproxy's layers."""

    name = "midwatch_edge"
    blocking = False
    edge: Edge
