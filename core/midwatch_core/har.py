"""An exchange as an entry of a HAR file, for the tools that read such files. The counterpart is the host's `replay`.

HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/. Fields of our own begin with an underscore, as it asks.
"""

from collections.abc import Mapping
from urllib.parse import quote

from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.rebuilding import body_text, request_body, response_body

OWN = "_midwatch"
"""Where an entry has the exchange itself, as it was decoded: bodies are rebuilt, and headers are not kept."""

_JSON = "application/json"
_HTTP = "HTTP/1.1"
# Of a call that was told without one: a name that never leads anywhere (RFC 2606).
_NO_HOST = "untold.invalid"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def har_head(version: str) -> Mapping[str, Json]:
    """All of a HAR file's `log` but its entries; `version` is Midwatch's."""
    return {"version": "1.2", "creator": {"name": "Midwatch", "version": version}, "pages": []}


def har_entry(exchange: Exchange, own: Mapping[str, Json]) -> dict[str, Json]:
    """The entry of an exchange. `own` is what stands under OWN.

    A streamed answer's body is that of the whole answer which it amounts to.
    """
    waited, received = _times(exchange)
    return {
        "startedDateTime": exchange.started_at.isoformat(timespec="milliseconds"),
        "time": waited + received,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": waited, "receive": received},
        OWN: dict(own),
    }


def _times(exchange: Exchange) -> tuple[float, float]:
    """Milliseconds to the first token, and from there to the end; all of them waiting where that is not known."""
    duration_ms = exchange.timing.duration_ms or 0.0
    first_ms = exchange.timing.ttft_ms
    waited = duration_ms if first_ms is None else min(first_ms, duration_ms)
    return waited, round(duration_ms - waited, 3)


def _request(exchange: Exchange) -> Json:
    request, headers = exchange.request, [("content-type", _JSON)] if exchange.request.body is not None else []
    for name, value in (("user-agent", exchange.identity.user_agent), ("traceparent", exchange.traceparent)):
        headers += [(name, value)] if value else []
    entry: dict[str, Json] = {
        # Kept is only what was asked, not by which method; a call without a body asked by GET.
        "method": "POST" if request.body is not None or request.body_bytes else "GET",
        "url": url_of(exchange),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "headersSize": -1,
        "bodySize": request.body_bytes,
    }
    if request.body is not None:
        entry["postData"] = {"mimeType": _JSON, "text": body_text(request_body(exchange)) or ""}
    return entry


def _response(exchange: Exchange) -> Json:
    response = exchange.response
    text = "" if response is None else body_text(response_body(exchange)) or ""
    entry: dict[str, Json] = {
        "status": exchange.status or 0,
        "statusText": "",
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": [{"name": "content-type", "value": _JSON}] if text else [],
        "content": {"size": len(text.encode()), "mimeType": _JSON if text else "", "text": text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": response.body_bytes if response is not None else -1,
    }
    return {**entry, "_error": exchange.error} if exchange.error else entry


def url_of(exchange: Exchange) -> str:
    """Where a call went; without its query, which is not kept."""
    endpoint = exchange.endpoint
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host or _NO_HOST
    port = "" if endpoint.port == _DEFAULT_PORTS.get(endpoint.scheme) else f":{endpoint.port}"
    return f"{endpoint.scheme}://{host}{port}{quote(endpoint.path, safe='/:@!$&()*+,;=~%')}"
