"""An exchange: one call to a model, from the client's request to the end of the provider's answer."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from midwatch_core.model.content import Request, Response
from midwatch_core.model.cost import Cost
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Direction
from midwatch_core.model.thread import Thread, ToolSpan
from midwatch_core.model.timing import Timing


class Transport(StrEnum):
    """How the answer travelled. NDJSON, AWS event streams and JSON arrays are `http` with `streamed` set."""

    HTTP = "http"
    SSE = "sse"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a call went, and in which words. `path` never has its query: keys travel there.

    `subscription` where it was made with a login that a flat fee pays for (ChatGPT, Claude, Copilot, Code Assist).
    """

    provider: str
    dialect: str
    host: str
    port: int
    path: str
    scheme: str = "https"
    subscription: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call.

    `id` is a UUIDv7, the key of idempotency from journal to store. `status` is the HTTP status the client saw, None
    where no answer came. `error` says what went wrong on the way (`client disconnected`, `upstream closed early`, …);
    a provider's own error is in `response.error`. `cost` is None until the pipeline priced it. `inspected` are the
    directions whose texts a worker has inspected and masked on their way; the pipeline sees to the others. So it is
    with `classified`: what all models say of these directions' texts a worker has heard and weighed. `session` is what
    the client calls its conversation, in a header or in its request. `thread` and `tool_spans` are None and empty until
    the pipeline threaded it.
    """

    id: str
    trace_id: str
    started_at: datetime
    identity: Identity
    endpoint: Endpoint
    request: Request
    response: Response | None = None
    transport: Transport = Transport.HTTP
    streamed: bool = False
    status: int | None = None
    error: str | None = None
    timing: Timing = field(default_factory=Timing)
    cost: Cost | None = None
    findings: tuple[Finding, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    traceparent: str | None = None
    inspected: tuple[Direction, ...] = ()
    classified: tuple[Direction, ...] = ()
    session: str | None = None
    thread: Thread | None = None
    tool_spans: tuple[ToolSpan, ...] = ()

    @property
    def model(self) -> str | None:
        """The model asked for, else the one that answered."""
        return self.request.model or (self.response.model if self.response else None)

    @property
    def decode_error(self) -> str | None:
        """The first place where reading stopped, request before response."""
        if self.request.decode_error:
            return self.request.decode_error
        return self.response.decode_error if self.response else None

    @property
    def action(self) -> Action:
        """The strongest action any verdict took."""
        return max((verdict.action for verdict in self.verdicts if not verdict.dry_run), default=Action.ALLOW)
