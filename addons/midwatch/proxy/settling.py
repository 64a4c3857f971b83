"""The end of a call: sealed, given what was decided about it, and journalled. Beside `watching` and `sockets`."""

import time
from typing import Protocol

from mitmproxy import http

from midwatch.proxy.governing.flows import Governing
from midwatch.proxy.guarding import Guarding
from midwatch.proxy.journaling import Journalist
from midwatch_core.call import Call
from midwatch_core.clock import Clock
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealers


class Listener(Protocol):
    """Who wants to know of calls as they begin and end, such as a viewer's notes on flows. It must not raise."""

    def begun(self, flow: http.HTTPFlow, call: Call) -> None:
        """A call begins on a flow; on a socket's, one of many."""
        ...

    def settled(self, exchange: Exchange) -> None:
        """A call has ended, and is journalled."""
        ...


class Settling:
    """One idea: a call is journalled once, before its client can see its end. `listener` may be set."""

    def __init__(
        self,
        journalist: Journalist,
        *,
        sealers: Sealers,
        guarding: Guarding,
        governing: Governing,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.journalist = journalist
        self.guarding = guarding
        self.governing = governing
        self.listener: Listener | None = None
        self._sealers = sealers
        self._clock = clock
        self._metrics = metrics

    def begun(self, flow: http.HTTPFlow, call: Call) -> None:
        """A call begins, which is to be settled."""
        if self.listener is not None:
            self.listener.begun(flow, call)

    def settle(self, call: Call, error: str | None = None) -> None:
        """Journal a call; `error` is why it ended early. The client may leave, and we may be killed, right after."""
        began = time.perf_counter()
        sealer = self._sealers.of(call.identity.tenant)
        exchange = call.settle(sealer, self._clock.monotonic(), error=error)
        if exchange is not None:
            if call.guard is not None:
                exchange = call.guard.on(exchange)
            exchange = self.governing.settled(call, exchange)
            self.guarding.count(exchange.action)
            if call.listens and not (exchange.findings or (exchange.response and exchange.response.segments)):
                return  # nothing was asked, and nothing said
            self.journalist.write(exchange)
            self._metrics.observe("midwatch_settle_seconds", time.perf_counter() - began)
            if self.listener is not None:
                self.listener.settled(exchange)
