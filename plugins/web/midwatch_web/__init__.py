"""The console of Midwatch: its pages, a small REST API, metrics and health, as one application in control's server."""

from midwatch_core import Host, Mount, hookimpl
from midwatch_web.settings import WebSettings as Config

__all__ = ["Config", "mounts"]


@hookimpl
def mounts(host: Host) -> list[Mount]:
    """The application, at the root. FastAPI and the rest are imported here: other processes don't pay for them."""
    from midwatch_web.app import create_app

    return [Mount(prefix="", app=create_app(host))]
