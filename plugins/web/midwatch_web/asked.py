"""The host's services as handlers need them: there, or a 503 that says which is missing."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_core import Host, LiveFeed, Queries


def host_of(request: Request) -> Host:
    """The host this application was made for."""
    host: Host = request.app.state.host
    return host


def queries_of(request: Request) -> Queries:
    """The query service. Raises HTTPException where this process has none."""
    queries = host_of(request).queries
    if queries is None:
        raise HTTPException(503, "This process keeps no exchanges.")
    return queries


def live_of(request: Request) -> LiveFeed:
    """The live feed. Raises HTTPException where this process has none."""
    live = host_of(request).live
    if live is None:
        raise HTTPException(503, "This process has no live feed.")
    return live
