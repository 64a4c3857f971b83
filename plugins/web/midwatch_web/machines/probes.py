"""What machines ask: metrics for Prometheus, and whether the process lives, is ready, has started."""

import orjson
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from midwatch_core import Health, Host
from midwatch_web.machines.exposition import SampleCollector

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """All processes' metrics, in the text format the scraper accepts (Prometheus' or OpenMetrics)."""
    host: Host = request.app.state.host
    samples = host.samples() if host.samples else host.metrics.samples()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SampleCollector(host.metrics.specs, samples))
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> Response:
    """200: this process answers."""
    return _json({"status": "ok"}, 200)


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> Response:
    """200 when exchanges are taken in and stored, else 503; the parts tell why."""
    health = _health(request)
    return _json({"ready": health.ready, "parts": dict(health.parts)}, 200 if health.ready else 503)


@router.api_route("/startupz", methods=["GET", "HEAD"])
async def startupz(request: Request) -> Response:
    """200 once everything has been started, else 503."""
    health = _health(request)
    return _json({"started": health.started, "parts": dict(health.parts)}, 200 if health.started else 503)


def _health(request: Request) -> Health:
    host: Host = request.app.state.host
    return host.health() if host.health else Health(started=False, ready=False, parts={})


def _json(document: object, status: int) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
