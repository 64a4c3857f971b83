"""The application: routers, error answers and the guard around them, put together for one host."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from midwatch_core import Config, Host, StorageError
from midwatch_web import api, inventory, pages, probes, signin, trace
from midwatch_web.doorkeeper import Doorkeeper
from midwatch_web.failures import on_http_error, on_invalid, on_storage_error
from midwatch_web.hostnames import Hostnames
from midwatch_web.security import Shield
from midwatch_web.sessions import Sessions
from midwatch_web.templating import make_environment

# What `console` is unless configured.
DEFAULT_CONSOLE = "127.0.0.1:8082"


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
    app.include_router(pages.router)
    app.include_router(inventory.pages)
    app.include_router(trace.pages)
    app.include_router(trace.api)
    app.include_router(signin.router)
    app.include_router(api.router)
    app.include_router(inventory.api)
    app.include_router(probes.router)
    app.mount("/static", StaticFiles(directory=str(files("midwatch_web") / "static")), name="static")
    app.add_exception_handler(StorageError, on_storage_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    console = str(host.settings.get("console") or DEFAULT_CONSOLE)
    app.add_middleware(Doorkeeper, access=host.access, sessions=app.state.sessions)
    app.add_middleware(Shield, hostnames=Hostnames.of_console(console))
    return app


def _sessions(host: Host) -> Sessions:
    settings = host.settings.get("access", Config().access)
    return Sessions(lasts_s=getattr(settings, "session_hours", 12) * 3600, now=host.clock.monotonic)
