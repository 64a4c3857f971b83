"""One call under way: what is known of it grows with each chunk, and it is settled exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.enforcement import CallGuard
from midwatch_core.gaps import GapMeter
from midwatch_core.governing.reservation import Reservation
from midwatch_core.model.changing import changed
from midwatch_core.model.content import Request
from midwatch_core.model.exchange import Endpoint, Exchange, Transport
from midwatch_core.model.identity import Identity
from midwatch_core.model.stream import StreamEvent, StreamKind
from midwatch_core.model.timing import Timing
from midwatch_core.sealing import Sealer
from midwatch_core.wire.decoding import DecodedRequest
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.sse import SseFramer
from midwatch_core.wire.streaming import ResponseDecoder

# What a client waits for: a tool's server streams what its tools bring.
_TOKENS = frozenset({StreamKind.TEXT, StreamKind.REASONING, StreamKind.TOOL_ARGUMENTS, StreamKind.TOOL_RESULT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known when the whole request has been read. `transport` is how it came.

    `listens` where the client asks nothing, and waits for what a server says unasked, for as long as both like.
    """

    id: str
    started_at: datetime
    began_s: float
    endpoint: Endpoint
    identity: Identity
    dialect: Dialect
    decoded: DecodedRequest
    traceparent: str | None = None
    session: str | None = None
    listens: bool = False
    transport: Transport = Transport.HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """What the response's head tells. `length` is the content-length, None where there is none.

    `headers` are those that a dialect may read itself (see `HeadReader`), by their names in lower case.
    """

    status: int
    content_type: str = ""
    content_encoding: str = ""
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Call:
    """The state of one call. Times are monotonic seconds of the caller's clock; nothing here reads one.

    Use: `respond` with the response's head, `feed` each chunk, and `settle` when `due` turns true, at the end of the
    body, or when the call fails: whichever comes first. A second `settle` gives None.
    """

    __slots__ = (
        "_decoder",
        "_first_byte_s",
        "_first_token_s",
        "_gaps",
        "_head",
        "_opening",
        "_received",
        "governed",
        "guard",
        "settled",
    )

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._head: ResponseHead | None = None
        self._decoder: ResponseDecoder | None = None
        self._gaps = GapMeter()
        self._received = 0
        self._first_byte_s: float | None = None
        self._first_token_s: float | None = None
        self.settled = False
        # Set where policy may act on the call.
        self.guard: CallGuard | None = None
        # Set where limits or budgets concern the call.
        self.governed: Reservation | None = None

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self._opening.id

    @property
    def request(self) -> Request:
        """What the client asked."""
        return self._opening.decoded.request

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return self._opening.identity

    @property
    def dialect(self) -> Dialect:
        """The dialect both sides speak."""
        return self._opening.dialect

    @property
    def listens(self) -> bool:
        """Whether nothing is asked: such a call is worth a record only if its answer said something."""
        return self._opening.listens

    def opened(self) -> Exchange:
        """The exchange as far as it is known when the request is there: what is ruled on before it goes out."""
        opening = self._opening
        return Exchange(
            id=opening.id,
            trace_id=trace_id(opening.traceparent) or opening.id,
            started_at=opening.started_at,
            identity=opening.identity,
            endpoint=opening.endpoint,
            request=opening.decoded.request,
            traceparent=opening.traceparent,
            session=opening.session,
            transport=opening.transport,
        )

    def respond(self, head: ResponseHead) -> None:
        """The response begins."""
        self._head = head
        self._decoder = ResponseDecoder(
            self._opening.dialect,
            status=head.status,
            content_type=head.content_type,
            content_encoding=head.content_encoding,
            asked_to_stream=self.request.stream,
            headers=head.headers,
        )

    def feed(self, chunk: bytes, at_s: float) -> list[StreamEvent]:
        """A chunk of the response's body; the events that it completes."""
        if self._decoder is None or self.settled:
            return []
        self._received += len(chunk)
        if self._first_byte_s is None:
            self._first_byte_s = at_s
        events = self._decoder.feed(chunk)
        if events and any(event.kind in _TOKENS for event in events):
            if self._first_token_s is None:
                self._first_token_s = at_s
            self._gaps.tick(at_s)
        return events

    @property
    def answered(self) -> bool:
        """Whether the response has begun."""
        return self._decoder is not None

    @property
    def due(self) -> bool:
        """Whether the client, once it has what was fed, may leave: the terminal event, or the last byte, is there."""
        if self._decoder is None or self._head is None:
            return False
        return self._decoder.complete or (self._head.length is not None and self._received >= self._head.length)

    def settle(self, sealer: Sealer, at_s: float, *, error: str | None = None) -> Exchange | None:
        """The exchange, sealed; None if it was settled before. `error` is why the call ended early, if it did."""
        if self.settled:
            return None
        self.settled = True
        opening, decoder, head = self._opening, self._decoder, self._head
        if opening.listens and decoder is not None:
            error = None  # who listens is done whenever either side leaves
        response = sealer.response(decoder.finish(in_order=error is None)) if decoder else None
        if response is not None and response.complete:
            error = None
        streamed = bool(decoder and decoder.streamed)
        return changed(
            self.opened(),
            request=sealer.request(opening.decoded),
            response=response,
            transport=Transport.SSE if decoder and isinstance(decoder.framer, SseFramer) else opening.transport,
            streamed=streamed,
            status=head.status if head else None,
            error=error,
            timing=self._timing(at_s, streamed=streamed),
        )

    def _timing(self, at_s: float, *, streamed: bool) -> Timing:
        first = self._first_token_s if streamed else self._first_byte_s
        return Timing(
            ttft_ms=None if first is None else self._since_ms(first),
            duration_ms=self._since_ms(at_s),
            gaps=self._gaps.read(),
        )

    def _since_ms(self, at_s: float) -> float:
        return round(max(0.0, at_s - self._opening.began_s) * 1000, 3)


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a W3C `traceparent` header, None where it is none."""
    parts = (traceparent or "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or parts[1] == "0" * 32:
        return None
    return parts[1] if all(character in "0123456789abcdef" for character in parts[1]) else None
