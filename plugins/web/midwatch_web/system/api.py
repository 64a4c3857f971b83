"""The installation for programs: how it stands, and by which settings it goes."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of, installation_of

router = APIRouter(prefix="/api/v1")


@router.get("/system")
async def system(request: Request) -> Response:
    """How all stands: readiness, workers, breakers, journal, troubles, stores with their schemas, versions.

    `ca_certificate` is what clients are to trust, in PEM; null where no CA is kept here.
    For callers of no one tenant, as is all of the installation.
    """
    return json_answer(await installation_of(request).system(caller_of(request)))


@router.get("/config")
async def config(request: Request) -> Response:
    """The live configuration, secrets masked, and under `said_by` who said what is not a default."""
    return json_answer(installation_of(request).settings(caller_of(request)))
