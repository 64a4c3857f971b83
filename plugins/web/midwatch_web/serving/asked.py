"""The host's services as handlers need them: there, or a 503 that says which is missing."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_core import LOCAL, Caller, Host, Installation, LiveFeed, Queries
from midwatch_web.serving.doorkeeper import CALLER


def host_of(request: Request) -> Host:
    """The host this application was made for."""
    host: Host = request.app.state.host
    return host


def caller_of(request: Request) -> Caller:
    """Who asks. Raises HTTPException where nobody was let in."""
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        raise HTTPException(401, "A key is needed.")
    return caller


def queries_of(request: Request) -> Queries:
    """The query service within the caller's tenants. Raises HTTPException where this process has none."""
    queries = host_of(request).queries
    if queries is None:
        raise HTTPException(503, "This process keeps no exchanges.")
    return queries.within(caller_of(request).scope)


def there[Service](service: Service | None, what: str) -> Service:
    """A service of the host that is needed here. Raises HTTPException where this process has none."""
    if service is None:
        raise HTTPException(503, f"This process has no {what}.")
    return service


def installation_of(request: Request) -> Installation:
    """The installation. Raises HTTPException where this process does not tell of it."""
    return there(host_of(request).installation, "view of the installation")


def live_of(request: Request) -> LiveFeed:
    """The live feed. Raises HTTPException where this process has none."""
    return there(host_of(request).live, "live feed")


def welcome_of(request: Request) -> Callable[[], bool]:
    """Whether the caller may still read, asked again and again by what stays open."""
    caller, access = caller_of(request), host_of(request).access
    return lambda: caller is LOCAL or access is None or access.still(caller)
