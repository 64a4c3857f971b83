"""Where conversations stand, by what their next requests repeat: for clients that give each call a trace of its own.

A traceparent names the trace, so threading asks no further (see `midwatch_core.threads`); instrumentation without a
span around the whole run makes one for each call. Only what nobody else repeats by chance counts: the id of an answer
or of a call, or all that was said, word for word. Two agents that begin alike are still two.
"""

from collections import OrderedDict
from collections.abc import Iterator

from midwatch_anomaly.looping.step import digest, words_of
from midwatch_core import Exchange, LinkedBy, Part, Segment, Turn

# An id this long was drawn by chance; `call_1` was not.
_CHANCE_ID = 12
_MOST_CALLS = 8
_SPOKEN = (Part.ASSISTANT, Part.TOOL_CALL)
# Clients change these from call to call, or leave them out.
_UNSAID = (Part.SYSTEM, Part.TOOL_DEFINITION, Part.REASONING)

# Begins with the tenant.
type _Key = tuple[str | bytes | None, ...]


class Heads:
    """The newest exchange of each conversation; each is gone on from once."""

    def __init__(self, most: int) -> None:
        self._ids: OrderedDict[_Key, str] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._ids)

    def forget(self, tenant: str) -> None:
        """Remember nothing of a tenant."""
        for key in [key for key in self._ids if key[0] == tenant]:
            del self._ids[key]

    def leave(self, exchange: Exchange) -> None:
        """Note an exchange that its conversation may go on from."""
        if not _is_traced(exchange):
            return
        for key in _left(exchange):
            self._ids.pop(key, None)
            self._ids[key] = exchange.id
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)

    def before(self, exchange: Exchange) -> str | None:
        """The id of the exchange that this one goes on from, where threading knows of none."""
        thread = exchange.thread
        if thread is None or thread.turn is not Turn.FIRST or not _is_traced(exchange):
            return None
        return next((found for key in _brought(exchange) if (found := self._ids.pop(key, None))), None)


def _is_traced(exchange: Exchange) -> bool:
    return exchange.thread is not None and exchange.thread.linked_by is LinkedBy.TRACEPARENT


def _left(exchange: Exchange) -> Iterator[_Key]:
    """What a request that goes on from an exchange may bring."""
    response, who = exchange.response, _who(exchange)
    if response is None:
        return
    if response.id:
        yield *who, "response", response.id
    for call in response.tool_calls[:_MOST_CALLS]:
        if call.id and len(call.id) >= _CHANCE_ID:
            yield *who, "call", call.id
    yield *who, "said", _said((*exchange.request.segments, *response.segments))


def _brought(exchange: Exchange) -> Iterator[_Key]:
    """The same as its next request has it, the surest first."""
    request, who = exchange.request, _who(exchange)
    if request.previous_response_id:
        yield *who, "response", request.previous_response_id
    if request.tool_results and request.tool_results[-1].call_id:
        yield *who, "call", request.tool_results[-1].call_id
    spoken = max((at for at, item in enumerate(request.segments) if item.part in _SPOKEN), default=-1)
    if spoken >= 0:
        yield *who, "said", _said(request.segments[: spoken + 1])


def _who(exchange: Exchange) -> tuple[str | None, ...]:
    identity = exchange.identity
    return identity.tenant, identity.agent, exchange.session or identity.client


def _said(segments: tuple[Segment, ...]) -> bytes:
    return digest(words_of(item) for item in segments if item.part not in _UNSAID)
