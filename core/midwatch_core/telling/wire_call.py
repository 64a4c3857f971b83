"""A call told by its wire bodies becomes an exchange: read by catalogue and dialect, as a flow that passes is."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from midwatch_core.call import Call, Opening, ResponseHead
from midwatch_core.intake import IntakeError, WireCall
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Endpoint, Exchange
from midwatch_core.sealing import Sealer
from midwatch_core.telling.stamp import Stamp
from midwatch_core.telling.trail import traceparent_of
from midwatch_core.wire.catalogue import Catalogue, Match
from midwatch_core.wire.decoding import DecodedRequest, decode_request
from midwatch_core.wire.dialect import Dialect, call_dialect
from midwatch_core.wire.heeded import QUERY, REQUEST_HEADERS, RESPONSE_HEADERS, is_claude_login
from midwatch_core.wire.session import SESSION_HEADERS, session_name, session_of
from midwatch_core.wire.target import Target

NO_ANSWER = "the body of the answer was not told"
_PORTS = {"http": 80, "https": 443}
_MAX_URL = 8192
_MAX_HEADER = 4096
_MAX_ERROR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call went, without its query; of that only what a dialect may want."""

    scheme: str
    host: str
    port: int
    path: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, url: str) -> "Place":
        """The place of a URL. Raises IntakeError; the message has no query, where keys travel."""
        try:
            parts = urlsplit(url[:_MAX_URL])
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is none, brackets around no address
            host, port, parts = None, None, urlsplit("")
        if len(url) > _MAX_URL or not host or parts.scheme not in _PORTS:
            raise IntakeError("url: not an address that begins with http:// or https://")
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or _PORTS[parts.scheme],
            path=parts.path or "/",
            query={key: value for key, value in parse_qsl(parts.query) if key in QUERY},
        )


class WireReader:
    """Reads told calls by what flows are read by. `own_sessions` are configured headers that name a conversation."""

    def __init__(
        self, catalogue: Catalogue, dialects: Mapping[str, Dialect], *, own_sessions: tuple[str, ...] = ()
    ) -> None:
        self._catalogue = catalogue
        self._dialects = dialects
        self._own_sessions = own_sessions
        self._session_headers = frozenset((*SESSION_HEADERS, *own_sessions))

    def exchange(self, call: WireCall, stamp: Stamp) -> Exchange:
        """The exchange, sealed. Raises IntakeError where the catalogue knows no such call."""
        place = Place.of(call.url)
        headers = {name.lower(): value for name, value in call.request_headers.items()}
        match = self._match(call.method.upper(), place, headers)
        exchange = _settled(Call(self._opening(call, stamp, place, match, headers)), call, stamp.sealer)
        if match.listens and not (exchange.response and exchange.response.segments):
            raise IntakeError(f"url: {place.host}{place.path} asks nothing, and its answer says nothing")
        return exchange

    def _match(self, method: str, place: Place, headers: Mapping[str, str]) -> Match:
        match = self._catalogue.match(place.host, place.port, method, place.path, headers)
        match = match or self._catalogue.match_anywhere(method, place.path, headers)
        if match is None:
            raise IntakeError(f"url: no provider is known for {method} {place.host}{place.path}"[:500])
        return match

    def _opening(self, call: WireCall, stamp: Stamp, place: Place, match: Match, headers: Mapping[str, str]) -> Opening:
        dialect, target = self._dialects[match.dialect], _target(call, place, match, headers)
        decoded = decode_request(dialect, call.request, target, headers.get("content-encoding", ""))
        if not match.takes(decoded.document, oversize=False):
            raise IntakeError(f"request: not a call to a model, by its shape, at {place.host}{place.path}"[:500])
        if (for_calls := call_dialect(dialect)) is not None:
            dialect = for_calls.bound(decoded.document, target)
        return Opening(
            id=stamp.id,
            started_at=stamp.at,
            began_s=0.0,
            endpoint=_endpoint(place, match, headers),
            identity=stamp.identity,
            dialect=dialect,
            decoded=decoded,
            traceparent=traceparent_of(call.whose.traceparent) or traceparent_of(headers.get("traceparent")),
            session=session_name(call.whose.session) or self._session(headers, decoded),
            listens=match.listens,
        )

    def _session(self, headers: Mapping[str, str], decoded: DecodedRequest) -> str | None:
        named = _picked(headers, self._session_headers)
        return session_of(named, decoded.request, decoded.document, own=self._own_sessions)


def _target(call: WireCall, place: Place, match: Match, headers: Mapping[str, str]) -> Target:
    return Target(
        host=place.host,
        path=place.path,
        method=call.method.upper(),
        query=place.query,
        headers=_picked(headers, REQUEST_HEADERS),
        captures=match.captures,
    )


def _endpoint(place: Place, match: Match, headers: Mapping[str, str]) -> Endpoint:
    return Endpoint(
        provider=match.provider,
        dialect=match.dialect,
        host=place.host,
        port=place.port,
        path=place.path,
        scheme=place.scheme,
        subscription=match.subscription or is_claude_login(headers.get("authorization", "")),
    )


def _settled(opened: Call, call: WireCall, sealer: Sealer) -> Exchange:
    if call.status is not None:
        opened.respond(_head(call, call.status))
        opened.feed(call.response or b"", 0.0)
    exchange = opened.settle(sealer, 0.0, error=call.error[:_MAX_ERROR] if call.error else None)
    assert exchange is not None
    if call.response is None and exchange.response is not None:
        exchange = changed(exchange, response=changed(exchange.response, decode_error=NO_ANSWER))
    return changed(exchange, timing=call.timing)


def _head(call: WireCall, status: int) -> ResponseHead:
    headers = _picked({name.lower(): value for name, value in call.response_headers.items()}, RESPONSE_HEADERS)
    return ResponseHead(
        status=status,
        content_type=headers.get("content-type", ""),
        content_encoding=headers.get("content-encoding", ""),
        headers={name: value for name, value in headers.items() if name.startswith("x-")},
    )


def _picked(headers: Mapping[str, str], names: AbstractSet[str]) -> dict[str, str]:
    return {name: headers[name] for name in names if headers.get(name) and len(headers[name]) <= _MAX_HEADER}
