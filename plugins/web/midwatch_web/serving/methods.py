"""Which methods a path knows, for the `Allow` of a 405 (RFC 9110, 15.5.6): Starlette tells those of one route alone."""

from collections.abc import Iterable, Iterator

from starlette.routing import BaseRoute, Route


def allowed(routes: Iterable[BaseRoute], path: str) -> str:
    """The methods of all routes at a path, as `Allow` lists them."""
    found = {method for route in _flat(routes) if route.path_regex.match(path) for method in route.methods or ()}
    return ", ".join(sorted(found))


def _flat(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:  # FastAPI keeps what was included
            yield from _flat(inner.routes)
