"""The system's page: how the house stands; and the REST API as a page to read."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_web.serving.asked import caller_of, installation_of
from midwatch_web.serving.templating import page
from midwatch_web.system.reference import rooms_of
from midwatch_web.system.standing import journal_of, parts_of, settings_of

router = APIRouter(include_in_schema=False)


@router.get("/system")
async def system(request: Request) -> Response:
    """Health, troubles, journal, stores, versions and settings."""
    caller, installation = caller_of(request), installation_of(request)
    found, settings = await installation.system(caller), installation.settings(caller)
    return page(
        request,
        "system/system.html",
        system=found,
        parts=list(parts_of(found)),
        journal=journal_of(found),
        troubles=found.get("troubles") or [],
        stores=found.get("stores") or [],
        versions=found.get("versions") or {},
        certificate=found.get("ca_certificate"),
        file=settings["file"],
        settings=settings_of(settings),
    )


@router.get("/rest")
async def rest(request: Request) -> Response:
    """What the REST API offers, from its OpenAPI document."""
    return page(request, "system/rest.html", rooms=rooms_of(request.app.openapi()))
