"""The doorkeeper in front of every handler: who asks, and whether they may; the counterpart is `Host.access`."""

from dataclasses import dataclass
from urllib.parse import quote

import orjson
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from midwatch_core import LOCAL, Access, AsgiApp, Caller, Permission, key_shown
from midwatch_web.machines.scraping import SCRAPER, ScrapeToken
from midwatch_web.serving.askers import is_program
from midwatch_web.serving.sessions import Sessions

COOKIE = "midwatch_session"
CALLER = "midwatch_caller"
"""Where the caller stands in the request's scope."""

# Open to all: what says nothing of any call, and what a signed link opens.
_OPEN = ("/static/", "/signin", "/healthz", "/readyz", "/startupz", "/alerts/acknowledge/")
# Of the installation as a whole, so for callers that see all tenants.
_WHOLE = ("/metrics",)
# What takes and shows nothing of any call: for callers that send calls, and read none.
_SENT = frozenset({"/api/v1/ingest", "/api/v1/scan"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Why somebody does not get in."""

    status: int
    detail: str


class Doorkeeper:
    """ASGI middleware: lets in who holds a key (or everybody, where the listener asks for none)."""

    def __init__(self, app: AsgiApp, access: Access | None, sessions: Sessions, scrape_token: ScrapeToken) -> None:
        self._app = app
        self._scrape_token = scrape_token
        self._access = access
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        headers = Headers(scope=scope)
        scrapes = self._scrape_token.shown_by(path, headers.get("authorization"))
        caller = SCRAPER if scrapes else self.caller_of(headers)
        scope[CALLER] = caller
        turned = None if path.startswith(_OPEN) else _turned(caller, path)
        if turned is None:
            await self._app(scope, receive, send)
        else:
            await _answer(turned, scope)(scope, receive, send)

    def caller_of(self, headers: Headers) -> Caller | None:
        """Who shows these headers: a key in `Authorization: Bearer` or `X-Midwatch-Key`, or a browser's session."""
        if self._access is None or not self._access.required:
            return LOCAL
        if key := key_shown(headers.get("authorization"), headers.get("x-midwatch-key")):
            return self._access.caller(key)
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        caller = self._sessions.caller(token)
        return caller if caller is not None and self._access.still(caller) else None


def _turned(caller: Caller | None, path: str) -> Turned | None:
    if caller is None:
        return Turned(status=401, detail="A key is needed: Authorization: Bearer mw_…")
    if not caller.may(Permission.CALL if path in _SENT else Permission.READ):
        return Turned(status=403, detail=f"A key of the role {caller.role} sends calls; it reads nothing.")
    if path.startswith(_WHOLE) and caller.tenant is not None:
        return Turned(status=403, detail="This is of all tenants: a key of one tenant does not open it.")
    return None


def _answer(turned: Turned, scope: Scope) -> Response:
    program = is_program(scope["path"], Headers(scope=scope).get("accept", ""))
    if turned.status == 401 and scope["method"] in ("GET", "HEAD") and not program:
        query = scope["query_string"].decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/signin?next={quote(wanted, safe='')}", 303)
    title = "Unauthorized" if turned.status == 401 else "Forbidden"
    problem = {"type": "about:blank", "title": title, "status": turned.status, "detail": turned.detail}
    headers = {"WWW-Authenticate": 'Bearer realm="midwatch"'} if turned.status == 401 else {}
    return Response(orjson.dumps(problem), turned.status, headers, "application/problem+json")
