"""The shield around every answer: the Host check and the headers that bind a browser. No CORS: nobody else may read."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from midwatch_core import AsgiApp, Hostnames

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Shield:
    """ASGI middleware: refuses foreign Host headers (421) and adds HEADERS to every answer."""

    def __init__(self, app: AsgiApp, hostnames: Hostnames) -> None:
        self._app = app
        self._hostnames = hostnames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Conversations are private: they stay out of every cache. Our own files may be kept, and asked about.
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        if self._hostnames.allows(Headers(scope=scope).get("host")):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = PlainTextResponse("This console does not answer to that host name.\n", status_code=421)
            await refusal(scope, receive, send_with_headers)
