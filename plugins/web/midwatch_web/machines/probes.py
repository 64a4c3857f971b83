"""What machines ask: metrics for Prometheus, and whether the process lives, is ready, has started."""

import orjson
from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from midwatch_core import Health, Json
from midwatch_web.machines.exposition import text_of
from midwatch_web.machines.scraping import visible
from midwatch_web.serving.asked import caller_of, host_of

router = APIRouter(include_in_schema=False)

# Both may name files of this machine.
_HIDDEN = frozenset({"problem", "folder"})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """All processes' metrics, in the text format the scraper accepts (Prometheus' or OpenMetrics).

    Tenants are told apart for who operates all of them, and for a scraper with the token.
    """
    host = host_of(request)
    samples = host.samples() if host.samples else host.metrics.samples()
    specs, told = visible(caller_of(request), host.metrics.specs, samples)
    openmetrics = _wants_openmetrics(request.headers.get("accept", ""))
    # In a thread: what waits for this loop, such as the storing of calls, goes on meanwhile.
    content = await run_in_threadpool(text_of, specs, told, openmetrics=openmetrics)
    return Response(content, headers={"Content-Type": OPENMETRICS if openmetrics else CONTENT_TYPE_PLAIN_0_0_4})


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> Response:
    """200: this process answers."""
    return _json({"status": "ok"}, 200)


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> Response:
    """200 when exchanges are taken in and stored, else 503; the parts tell why."""
    health = _health(request)
    return _json({"ready": health.ready, "parts": _public(health)}, 200 if health.ready else 503)


@router.api_route("/startupz", methods=["GET", "HEAD"])
async def startupz(request: Request) -> Response:
    """200 once everything has been started, else 503."""
    health = _health(request)
    return _json({"started": health.started, "parts": _public(health)}, 200 if health.started else 503)


def _wants_openmetrics(accept: str) -> bool:
    """Whoever can read it is given it. Versions are left aside: what we have is written the same in all of them."""
    return any(kind.partition(";")[0].strip() == "application/openmetrics-text" for kind in accept.split(","))


def _health(request: Request) -> Health:
    host = host_of(request)
    return host.health() if host.health else Health(started=False, ready=False, parts={})


def _public(health: Health) -> Json:
    """The parts as everybody may see them: why something of a plugin fails may name files, and is for operators."""
    return {name: _without_why(part) if name == "plugins" else part for name, part in health.parts.items()}


def _without_why(facts: Json) -> Json:
    if isinstance(facts, list):
        return [_without_why(item) for item in facts]
    if not isinstance(facts, dict):
        return facts
    return {name: _without_why(item) for name, item in facts.items() if name not in _HIDDEN}


def _json(document: object, status: int) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
