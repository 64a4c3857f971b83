"""The exchange detectors together: what a call shows as a whole, request and response each once."""

from midwatch_core import Direction, Exchange, Finding, Transport
from midwatch_rules_engine.bounds import Bounds
from midwatch_rules_engine.consumption import consumption
from midwatch_rules_engine.flooding import flooding
from midwatch_rules_engine.leakage import Leakage
from midwatch_rules_engine.ledger import Ledger
from midwatch_rules_engine.manyshot import many_shot
from midwatch_rules_engine.tool_changes import ToolChanges


class Exchanges:
    """Looks at a request when there is no response yet, and then at the response alone."""

    def __init__(self, bounds: Bounds, ledger: Ledger | None = None) -> None:
        self._bounds = bounds
        self._leakage = Leakage(bounds.leaked_words) if bounds.leaked_words else None
        self._tools = ToolChanges(ledger) if bounds.tool_changes else None

    def tidy(self) -> None:
        """Drop from disk what is forgotten. For control, once."""
        if self._tools is not None:
            self._tools.tidy()

    def inspect(self, exchange: Exchange) -> list[Finding]:
        """What the detectors see."""
        if exchange.response is not None:
            return [
                *(self._leakage.findings(exchange) if self._leakage else ()),
                *(self._tools.findings(exchange) if self._tools and _lists_tools(exchange) else ()),
            ]
        if Direction.REQUEST in exchange.inspected:
            return []  # a worker did, and has masked the texts since: a masked tool would be another one
        bounds, segments = self._bounds, exchange.request.segments
        return [
            *consumption(exchange.request, bounds),
            *(flooding(segments, bounds.filler_characters) if bounds.filler_characters else ()),
            *(many_shot(segments, bounds.shots) if bounds.shots else ()),
            *(self._tools.findings(exchange) if self._tools else ()),
        ]


def _lists_tools(exchange: Exchange) -> bool:
    """Whether the answer is a tool server's list that nobody has looked at as a whole: a worker sees streams in parts.

    What a worker has seen whole it has masked since: a masked tool would be another one.
    """
    return exchange.endpoint.dialect == "mcp" and (
        Direction.RESPONSE not in exchange.inspected or exchange.transport is Transport.SSE
    )
