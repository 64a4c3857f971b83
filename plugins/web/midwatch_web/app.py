"""The application: the rooms of the console, error answers and the guard around them, put together for one host."""

import asyncio
from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from midwatch_core import (
    AccessDeniedError,
    AdministrationError,
    Config,
    Host,
    Hostnames,
    PolicyDeskError,
    ReportError,
    StorageError,
)
from midwatch_web.access import api as access_api
from midwatch_web.access import pages as access_pages
from midwatch_web.access import tenancy
from midwatch_web.alerts import api as alerts_api
from midwatch_web.alerts import channels, signed
from midwatch_web.alerts import pages as alerts_pages
from midwatch_web.alerts.pacing import Pacing
from midwatch_web.audit import api as audit_api
from midwatch_web.audit import pages as audit_pages
from midwatch_web.calls import api as calls_api
from midwatch_web.calls import copies, differing
from midwatch_web.calls import pages as calls_pages
from midwatch_web.conversations import api as conversations_api
from midwatch_web.conversations import pages as conversations_pages
from midwatch_web.costs import api as costs_api
from midwatch_web.costs import governing
from midwatch_web.costs import pages as costs_pages
from midwatch_web.findings import api as findings_api
from midwatch_web.findings import judging
from midwatch_web.findings import pages as findings_pages
from midwatch_web.hosts import inventory
from midwatch_web.ingest import api as ingest_api
from midwatch_web.legacy import paths as legacy_paths
from midwatch_web.machines import probes
from midwatch_web.machines.scraping import ScrapeToken
from midwatch_web.models import api as models_api
from midwatch_web.models import pages as models_pages
from midwatch_web.overview import api as overview_api
from midwatch_web.overview import pages as overview_pages
from midwatch_web.policies import api as policies_api
from midwatch_web.policies import editing
from midwatch_web.policies import pages as policies_pages
from midwatch_web.reports import api as reports_api
from midwatch_web.reports import pages as reports_pages
from midwatch_web.rules import api as rules_api
from midwatch_web.rules import pages as rules_pages
from midwatch_web.serving import signin
from midwatch_web.serving.doorkeeper import Doorkeeper
from midwatch_web.serving.failures import on_denied, on_http_error, on_invalid, on_refused, on_storage_error
from midwatch_web.serving.openapi import document_openapi, room_of
from midwatch_web.serving.security import Shield
from midwatch_web.serving.sessions import Sessions
from midwatch_web.serving.templating import make_environment
from midwatch_web.system import api as system_api
from midwatch_web.system import pages as system_pages

# What `console` is unless configured.
DEFAULT_CONSOLE = "127.0.0.1:8082"

# Large bodies that are held at a time.
_UPLOADS = 4

# Every room's routers: what people open, then what programs ask.
PAGES: tuple[APIRouter, ...] = (
    access_pages.router,
    tenancy.router,
    signed.router,
    channels.router,
    alerts_pages.router,
    audit_pages.router,
    calls_pages.router,
    differing.pages,
    conversations_pages.router,
    costs_pages.router,
    governing.pages,
    judging.router,
    findings_pages.router,
    inventory.pages,
    models_pages.router,
    overview_pages.router,
    policies_pages.router,
    editing.router,
    reports_pages.router,
    rules_pages.router,
    signin.router,
    system_pages.router,
    legacy_paths.pages,
)
API: tuple[APIRouter, ...] = (
    access_api.router,
    alerts_api.files,
    alerts_api.router,
    audit_api.router,
    calls_api.router,
    conversations_api.router,
    copies.router,
    differing.api,
    costs_api.router,
    governing.api,
    findings_api.files,
    findings_api.router,
    inventory.api,
    ingest_api.router,
    models_api.router,
    overview_api.router,
    policies_api.router,
    probes.router,
    reports_api.router,
    rules_api.router,
    system_api.router,
    legacy_paths.api,
)


def create_app(host: Host) -> FastAPI:
    """The console for `host`, which must be control's: queries, live, health and samples are asked there.

    `host.settings["console"]` (HOST:PORT) tells which host names the console answers to.
    """
    app = FastAPI(
        title="Midwatch",
        version=host.version or "0",
        docs_url=None,  # both pages of FastAPI load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.host = host
    app.state.templates = make_environment(host.version)
    app.state.sessions = _sessions(host)
    app.state.links = Pacing(now=host.clock.monotonic)
    app.state.uploads = asyncio.Semaphore(_UPLOADS)
    for router in (*PAGES, *API):
        app.include_router(router, tags=[room_of(router)])
    document_openapi(app)
    app.mount("/static", StaticFiles(directory=str(files("midwatch_web") / "static")), name="static")
    app.add_exception_handler(StorageError, on_storage_error)
    app.add_exception_handler(AccessDeniedError, on_denied)
    app.add_exception_handler(AdministrationError, on_refused)
    app.add_exception_handler(PolicyDeskError, on_refused)
    app.add_exception_handler(ReportError, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    console = str(host.settings.get("console") or DEFAULT_CONSOLE)
    app.add_middleware(Doorkeeper, access=host.access, sessions=app.state.sessions, scrape_token=ScrapeToken(host))
    app.add_middleware(Shield, hostnames=Hostnames.of_console(console))
    return app


def _sessions(host: Host) -> Sessions:
    settings = host.settings.get("access", Config().access)
    return Sessions(lasts_s=getattr(settings, "session_hours", 12) * 3600, now=host.clock.monotonic)
