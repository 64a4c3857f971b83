"""The bridge: mitmproxy's flows on one side, Midwatch's words on the other. Credentials end here."""

from collections.abc import Set as AbstractSet
from urllib.parse import parse_qsl

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from midwatch.proxy.connecting import WANTED_PORT
from midwatch_core.call import ResponseHead
from midwatch_core.model.exchange import Endpoint
from midwatch_core.wire.catalogue import Match
from midwatch_core.wire.decoding import DecodedRequest
from midwatch_core.wire.dialect import Answer
from midwatch_core.wire.heeded import QUERY, REQUEST_HEADERS, RESPONSE_HEADERS, is_claude_login
from midwatch_core.wire.session import SESSION_HEADERS, session_of
from midwatch_core.wire.target import Target

# As bytes, for headers are compared before they are decoded.
_REQUEST_HEADERS = frozenset(name.encode() for name in REQUEST_HEADERS)
_RESPONSE_HEADERS = frozenset(name.encode() for name in RESPONSE_HEADERS)
# What clients call their conversations.
_SESSION_HEADERS = frozenset(name.encode() for name in SESSION_HEADERS)


def host_of(flow: http.HTTPFlow) -> str:
    """The name the client wanted: by SNI where there is TLS, for the address may be a gateway's or a test's.

    Before a reverse proxy the client wants the proxy itself: there the name is that of the mode's target.
    """
    mode = flow.client_conn.proxy_mode
    if isinstance(mode, ReverseMode):
        return mode.address[0]
    return flow.client_conn.sni or flow.request.pretty_host


def port_of(flow: http.HTTPFlow) -> int:
    """The port the client, or the reverse mode for it, wanted."""
    mode = flow.client_conn.proxy_mode
    if isinstance(mode, ReverseMode):
        return mode.address[1]
    wanted: int | None = flow.metadata.get(WANTED_PORT)
    return wanted if wanted is not None else flow.request.port


def path_of(flow: http.HTTPFlow) -> str:
    """The path without its query."""
    return flow.request.path.partition("?")[0]


def asks_for_socket(flow: http.HTTPFlow) -> bool:
    """Whether a request asks to go on as a WebSocket (RFC 6455, section 4.1)."""
    wanted: str = flow.request.headers.get("upgrade", "")
    return flow.request.method == "GET" and wanted.strip().lower() == "websocket"


def target_of(flow: http.HTTPFlow, match: Match) -> Target:
    """The target of a request, with no credential in it."""
    request = flow.request
    return Target(
        host=host_of(flow),
        path=path_of(flow),
        method=request.method,
        query={key: value for key, value in parse_qsl(request.path.partition("?")[2]) if key in QUERY},
        headers=_picked(request.headers, _REQUEST_HEADERS),
        captures=match.captures,
    )


def conversation_of(flow: http.HTTPFlow, decoded: DecodedRequest, own: tuple[str, ...] = ()) -> str | None:
    """What the client calls the conversation that a request belongs to; `own` are configured headers."""
    names = _SESSION_HEADERS.union(name.encode() for name in own) if own else _SESSION_HEADERS
    headers = _picked(flow.request.headers, names)
    return session_of(headers, decoded.request, decoded.document, own=own)


def endpoint_of(flow: http.HTTPFlow, match: Match) -> Endpoint:
    """Where the call goes."""
    return Endpoint(
        provider=match.provider,
        dialect=match.dialect,
        host=host_of(flow),
        port=port_of(flow),
        path=path_of(flow),
        scheme=flow.request.scheme,
        subscription=match.subscription or is_claude_login(flow.request.headers.get("authorization", "")),
    )


def head_of(flow: http.HTTPFlow) -> ResponseHead:
    """The head of the response."""
    response = flow.response
    assert response is not None
    headers = _picked(response.headers, _RESPONSE_HEADERS)
    length = headers.get("content-length", "")
    return ResponseHead(
        status=response.status_code,
        content_type=headers.get("content-type", ""),
        content_encoding=headers.get("content-encoding", ""),
        length=int(length) if length.isdecimal() and len(length) < 19 else None,
        headers={name: value for name, value in headers.items() if name.startswith("x-")},
    )


def make_editable(response: http.Response) -> None:
    """Take from the head what a body that is edited as it streams can't keep: its length and its content coding."""
    response.headers.pop("content-encoding", None)
    if response.headers.pop("content-length", None) is not None and response.http_version == "HTTP/1.1":
        response.headers["transfer-encoding"] = "chunked"


def _picked(headers: http.Headers, names: AbstractSet[bytes]) -> dict[str, str]:
    """The headers of these names that say something, in one pass: asking for each by name is a pass each."""
    picked: dict[str, str] = {}
    for field, value in headers.fields:
        name = field.lower()
        if name in names and value:
            key, text = name.decode(), value.decode("utf-8", "surrogateescape")
            picked[key] = f"{picked[key]}, {text}" if key in picked else text
    return picked


def response_of(answer: Answer) -> http.Response:
    """An answer of ours, as mitmproxy sends it instead of the provider's."""
    return http.Response.make(answer.status, answer.body, dict(answer.headers))
