"""All aliases: at the root, where a browser finds the page instead, and under /api/v1 where that path is free."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from midwatch_web.legacy import running, traces
from midwatch_web.serving.bodies import JsonRoute


@dataclass(frozen=True, slots=True)
class _Alias:
    method: str
    path: str
    handler: Callable[..., Any]
    status: int = 200
    # What its 404 says, where its path names nothing that could be absent.
    absent: str = ""


_EVERYWHERE = (
    _Alias("GET", "/spans", traces.spans),
    _Alias("GET", "/spans/{span_id}", traces.span),
    _Alias("GET", "/security/findings", traces.security_findings),
    _Alias("GET", "/stats", traces.stats),
    _Alias("GET", "/costs/current", running.current_costs, absent="There is no such budget"),
    _Alias("GET", "/auth/keys", running.keys),
    _Alias("POST", "/auth/keys", running.create_key, 201),
    _Alias("DELETE", "/auth/keys/{key_id}", running.revoke_key, 204),
    _Alias("POST", "/reports/generate", running.generate, 202),
)
# Under /api/v1 these are paths of our own, and answer as ours.
_AT_ROOT = (
    _Alias("GET", "/traces", traces.traces),
    _Alias("GET", "/tenants", running.tenants),
    _Alias("POST", "/tenants", running.add_tenant, 201),
)


def _router(prefix: str, *aliases: _Alias, in_schema: bool) -> APIRouter:
    router = APIRouter(prefix=prefix, route_class=JsonRoute, include_in_schema=in_schema, deprecated=True)
    for alias in aliases:
        said: dict[int | str, dict[str, Any]] = {404: {"description": alias.absent}} if alias.absent else {}
        router.add_api_route(
            alias.path, alias.handler, methods=[alias.method], status_code=alias.status, responses=said
        )
    return router


api = _router("/api/v1", *_EVERYWHERE, in_schema=True)
pages = _router("", *_EVERYWHERE, *_AT_ROOT, in_schema=False)
