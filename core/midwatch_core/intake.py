"""Intake: calls that no proxy saw, told by code, by telemetry or by another installation; the same pipeline has them.

What is taken is in this node's journal before the answer goes out: it survives the process and an absent store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.errors import MidwatchError
from midwatch_core.model.content import FinishReason, Json, Operation
from midwatch_core.model.exchange import Transport
from midwatch_core.model.segment import Part
from midwatch_core.model.thread import ToolSpan
from midwatch_core.model.timing import Timing
from midwatch_core.model.usage import Usage

# Calls in one go, at most.
MAX_BATCH = 1000


class IntakeError(MidwatchError):
    """A batch that can't be taken: nothing of it was. `index` is the first call at fault, None for the whole."""

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class IntakeFullError(IntakeError):
    """The journal has no room now: the same batch can be sent again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose a call is, as its sender says. `tenant` None is the sender's own; a sender of one tenant has no other.

    `key` is a key of idempotency, any text: calls of the same tenant, key and `started_at` (which is needed beside it)
    are one call, however often they come. Names are kept up to 200 characters, of what can be shown.
    """

    tenant: str | None = None
    app: str | None = None
    agent: str | None = None
    user: str | None = None
    client: str | None = None
    session: str | None = None
    traceparent: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WireCall:
    """A call as it went over the wire: read by the dialect that the catalogue has for its URL.

    Bodies are bytes as sent (a streamed answer is its SSE text whole), headers may be few: content type and encoding.
    `status` None where no answer came; `response` None with a status where the answer's body is not known.
    """

    url: str
    request: bytes
    method: str = "POST"
    request_headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = 200
    response: bytes | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    timing: Timing = field(default_factory=Timing)
    error: str | None = None
    whose: Whose = field(default_factory=Whose)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainText:
    """One text of a plain call: what it is, and its words. For tool calls and results `name` and `call_id` too."""

    part: Part
    text: str
    name: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCall:
    """A call told without its wire bodies: what a sender knows who has an SDK's objects, or a span.

    `cost_usd` is the sender's own price; None lets ours be found by provider and model. `answer` None: none came.
    With a status from 400 on, `error` is the provider's own.
    """

    provider: str
    model: str | None
    operation: Operation = Operation.CHAT
    host: str = ""
    asked: Sequence[PlainText] = ()
    answer: Sequence[PlainText] | None = ()
    response_model: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    tools: Sequence[str] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    transport: Transport = Transport.HTTP
    streamed: bool = False
    status: int | None = 200
    error: str | None = None
    started_at: datetime | None = None
    timing: Timing = field(default_factory=Timing)
    tool_spans: Sequence[ToolSpan] = ()
    whose: Whose = field(default_factory=Whose)


type ToldCall = WireCall | PlainCall


class Intake(Protocol):
    """Takes calls into the journal. They are inspected, priced, threaded and stored as those of the proxy are."""

    async def take(self, caller: Caller, calls: Sequence[ToldCall], *, source: str) -> Sequence[str]:
        """Take a batch, whole or not at all; the exchanges' ids, in order. `source` is the face (`rest`, `otlp`, …).

        It stands in `Identity.learned_from`. Raises AccessDeniedError for a caller who may not send calls or names
        another's tenant, IntakeError for what can't be taken, IntakeFullError.
        """
        ...
