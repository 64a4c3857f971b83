"""The routes of the console as it is put together: whatever a room adds, tests that walk these find it."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

import midwatch_web
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What a signed link opens to whoever has it: tests/plugins/web/test_web_alerts_signed.py.
SIGNED = "/alerts/acknowledge/{token}"


@cache
def application() -> FastAPI:
    """The console of a process that has nothing: its routes and its document are those of every other."""
    app = midwatch_web.mounts(Host(role=Role.CONTROL, home=Path("home"), metrics=Metrics()))[0].app
    assert isinstance(app, FastAPI)
    return app


def routes() -> list[APIRoute]:
    """Every route, pages and REST."""
    found = list(_routes_of(application().routes))
    assert len(found) > 40, "the routes are no longer where this looks for them"
    return found


def methods_of(route: APIRoute) -> frozenset[str]:
    """What a route answers to."""
    return frozenset(route.methods or ())


def _routes_of(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _routes_of(included.routes)


def pages() -> list[str]:
    """The paths of what people open: HTML, for GET."""
    return sorted(route.path for route in routes() if "GET" in methods_of(route) and not _for_programs(route))


def changing() -> list[tuple[str, str]]:
    """Method and path of all that changes or tries something."""
    return sorted((method, route.path) for route in routes() for method in methods_of(route) & CHANGING)


def forms() -> list[str]:
    """The paths that take a form of one of our pages."""
    return sorted(route.path for route in routes() if "POST" in methods_of(route) and not _for_programs(route))


def _for_programs(route: APIRoute) -> bool:
    """The predecessor's paths are programs' too, wherever they are."""
    return route.include_in_schema or ".legacy." in route.endpoint.__module__
