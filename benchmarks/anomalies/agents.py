"""Agents as they talk to a model: bodies through the real dialect, sealed, priced and threaded as the house does it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from midwatch_core import Cost, Endpoint, Exchange, Identity, Json, Timing
from midwatch_core.ids import uuid7
from midwatch_core.sealing import Sealer
from midwatch_core.threads import Threader
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.target import Target

_NUMBERS = itertools.count(1)
_KEY = b"the key of an installation that is only simulated"
_DIALECT, _TARGET = OpenAIChat(), Target(host="api.openai.com", path="/v1/chat/completions")


@dataclass
class Agent:
    """One conversation of one agent. Moments are the simulation's; every call of it takes `takes_s`.

    Where it is `traced`, each call bears a traceparent of its own.
    """

    threader: Threader
    tenant: str = "acme"
    name: str = "coder"
    model: str = "gpt-5-mini"
    at: datetime = datetime(2026, 3, 2, 9, tzinfo=UTC)
    takes_s: float = 2.0
    usd: str = "0.002"
    tools: tuple[str, ...] = ()
    traced: bool = False
    history: list[dict[str, Json]] = field(default_factory=list)

    def told(self, text: str) -> None:
        """The user says something."""
        self.history.append({"role": "user", "content": text})

    def calls(self, tool: str, arguments: Mapping[str, Json], *, brings: str, wait_s: float = 1.0) -> Exchange:
        """The model calls a tool, which takes `wait_s` and brings a text."""
        call_id = f"call_{self.name}_{self.at.timestamp():.3f}"
        function: dict[str, Json] = {"name": tool, "arguments": json.dumps(arguments)}
        call: dict[str, Json] = {"id": call_id, "type": "function", "function": function}
        exchange = self.asks({"role": "assistant", "content": None, "tool_calls": [call]})
        self.history.append({"role": "tool", "tool_call_id": call_id, "content": brings})
        self.at += timedelta(seconds=wait_s)
        return exchange

    def says(self, text: str) -> Exchange:
        """The model answers in words."""
        return self.asks({"role": "assistant", "content": text})

    def asks(self, answer: dict[str, Json], **changes: Any) -> Exchange:
        """One call with this answer, which the history goes on with; `changes` replace fields of the exchange."""
        exchange = self.threader.thread(self._made(answer, changes))
        self.history.append(answer)
        self.at += timedelta(seconds=self.takes_s)
        return exchange

    def _made(self, answer: dict[str, Json], changes: Mapping[str, Any]) -> Exchange:
        sealer = Sealer(_KEY, self.tenant)
        offered = [{"type": "function", "function": {"name": name}} for name in self.tools]
        body = {"model": self.model, "messages": self.history, "tools": offered}
        document = {"model": self.model, "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}]}
        exchange_id = uuid7(self.at.timestamp(), next(_NUMBERS).to_bytes)
        trace_id = exchange_id.replace("-", "") if self.traced else exchange_id
        fields: dict[str, Any] = {
            "id": exchange_id,
            "trace_id": trace_id,
            "traceparent": f"00-{trace_id}-00000000000000a1-01" if self.traced else None,
            "started_at": self.at,
            "identity": Identity(tenant=self.tenant, agent=self.name, client="10.0.0.7"),
            "endpoint": Endpoint(
                provider="openai", dialect=_DIALECT.id, host=_TARGET.host, port=443, path=_TARGET.path
            ),
            "request": sealer.request(decode_request(_DIALECT, json.dumps(body).encode(), _TARGET)),
            "response": sealer.response(decode_response(_DIALECT, json.dumps(document).encode(), 200)),
            "status": 200,
            "timing": Timing(duration_ms=self.takes_s * 1000),
            "cost": Cost(amount=Decimal(self.usd)),
        }
        return Exchange(**{**fields, **changes})
