"""Conversations as their clients hold them: bodies through the real dialects, sealed, then threaded."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from midwatch_core.ids import uuid7
from midwatch_core.model.exchange import Endpoint, Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.model.timing import Timing
from midwatch_core.sealing import Sealer
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.threads import Threader
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target

KEY = b"a key that only tests have"
DURATION_S, STEP_S = 2, 10


@dataclass
class Talk:
    """A client that talks, and the threader that listens. Calls begin STEP_S apart and take DURATION_S."""

    dialect: Dialect
    threader: Threader = field(default_factory=Threader)
    tenant: str = "default"
    client: str = "10.0.0.7"
    session: str | None = None
    at: datetime = BEGINNING
    said: list[Exchange] = field(default_factory=list)

    def call(self, request: Any, answer: Any, **changes: Any) -> Exchange:
        """One call with its answer: a document sent whole, or bytes of an SSE stream."""
        exchange = self.threader.thread(self.made(request, answer, **changes))
        self.said.append(exchange)
        return exchange

    def made(self, request: Any, answer: Any, **changes: Any) -> Exchange:
        """The same before it is threaded."""
        self.at += timedelta(seconds=STEP_S)
        number = int(self.at.timestamp()) + id(self) % 1000
        exchange_id = uuid7(self.at.timestamp(), lambda size: number.to_bytes(size))
        sealer = Sealer(KEY, self.tenant)
        target = Target(host="provider.test", path="/")
        decoded = decode_request(self.dialect, json.dumps(request).encode(), target)
        fields: dict[str, Any] = {
            "id": exchange_id,
            "trace_id": exchange_id,
            "started_at": self.at,
            "identity": Identity(tenant=self.tenant, client=self.client),
            "endpoint": Endpoint(provider="p", dialect=self.dialect.id, host="provider.test", port=443, path="/"),
            "request": sealer.request(decoded),
            "response": sealer.response(_answered(self.dialect, answer, changes.get("status", 200))),
            "status": 200,
            "session": self.session,
            "timing": Timing(duration_ms=DURATION_S * 1000),
        }
        return Exchange(**{**fields, **changes})


def _answered(dialect: Dialect, answer: Any, status: int) -> Any:
    if not isinstance(answer, bytes):
        return decode_response(dialect, json.dumps(answer).encode(), status)
    decoder = ResponseDecoder(
        dialect, status=status, content_type="text/event-stream", content_encoding="", asked_to_stream=True
    )
    decoder.feed(answer)
    return decoder.finish()


def places(talk: Talk) -> list[tuple[str, str, int | None]]:
    """Of each call said: how it was linked, what turn it is, and which call it goes on from, by number."""
    numbers = {exchange.id: number for number, exchange in enumerate(talk.said)}
    return [
        (
            exchange.thread.linked_by.value,
            exchange.thread.turn.value,
            None if exchange.thread.parent_id is None else numbers[exchange.thread.parent_id],
        )
        for exchange in talk.said
        if exchange.thread is not None
    ]


def traces(talk: Talk) -> list[int]:
    """The trace of each call said, as small numbers."""
    seen: dict[str, int] = {}
    return [seen.setdefault(exchange.trace_id, len(seen)) for exchange in talk.said]
