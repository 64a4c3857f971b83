"""The templates' environment, and the one way to answer with a page."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from midwatch_core import LOCAL, Caller, explanation_of
from midwatch_web.serving import formatting
from midwatch_web.serving.doorkeeper import CALLER
from midwatch_web.serving.navigation import navigation
from midwatch_web.serving.openalerts import current_alerts, untaken
from midwatch_web.serving.visible import shown


def make_environment(version: str) -> Environment:
    """Templates that escape everything and show every hidden character."""
    environment = Environment(
        loader=PackageLoader("midwatch_web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(
        cost=formatting.cost,
        count=formatting.count,
        duration=formatting.duration,
        dollars=formatting.dollars,
        decimal=formatting.decimal,
        memory=formatting.memory,
        size=formatting.size,
        units=formatting.units,
        tally=formatting.tally,
        moment=formatting.moment,
        full_moment=formatting.full_moment,
        headline=lambda message: explanation_of(message).title,
    )
    environment.globals["version"] = version
    return environment


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A rendered template."""
    return HTMLResponse(render(request, template, **values), status)


def render(request: Request, template: str, **values: object) -> str:
    """The text of a template."""
    environment: Environment = request.app.state.templates
    caller: Caller | None = request.scope.get(CALLER)
    sections = list(navigation(caller, request.url.path, _waiting(request, caller))) if caller is not None else []
    shared = {"caller": caller, "signed_in": _signed_in(caller), "sections": sections}
    return environment.get_template(template).render(**shared, **values)


def _waiting(request: Request, caller: Caller) -> dict[str, int]:
    """How much waits for somebody, by the sections' paths: alerts that nobody has taken on."""
    return {"/alerts": len(untaken(current_alerts(request.app.state.host, caller)))}


def _signed_in(caller: Caller | None) -> str:
    """Who is signed in, for the page's head; nobody where no key was asked for."""
    if caller is None or caller is LOCAL:
        return ""
    return f"{caller.name} · {caller.tenant or 'all tenants'} · {caller.role}"


def _finalize(value: Any) -> Any:
    """Every expression passes here before it is escaped: texts from outside lose their power to hide."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
