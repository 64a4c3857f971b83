"""The pages of tenants: one looked at, added, changed, removed. What is written is looked at before it counts."""

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from midwatch_core import AccessDeniedError, AdministrationError, Tenant, tenant_row
from midwatch_web.access.asked import administration_of, check_whole, tenant_of
from midwatch_web.access.bodies import MOST_DAYS
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

FIELDS: Mapping[str, str] = {
    "title": "Title",
    "networks": "Networks",
    "provider_keys": "Provider keys",
    "certificates": "Certificates",
    "retention_days": "Days its calls are kept",
}
"""What can be told of a tenant, with its name for people."""

_LISTS = ("networks", "provider_keys", "certificates")


@router.get("/access/new-tenant")
async def adding(request: Request) -> Response:
    """The form for a tenant."""
    check_whole(request)
    await administration_of(request).tenants(caller_of(request))  # who may not is told now
    return _form(request, {"name": ""}, fresh=True)


@router.post("/access/tenants")
async def keep(request: Request) -> Response:
    """A step with the form as it is: `review`, `back` to the form, or `keep`, which adds or changes the tenant."""
    check_whole(request)
    form = await form_of(request)
    fresh = form.get("fresh") == "yes"
    before = None if fresh else await tenant_of(request, form.get("name", ""))
    try:
        told = _told(before or Tenant(name=form.get("name", "").strip(), created_at=host_of(request).clock.now()), form)
        if form.get("step") == "keep":
            return await _keep(request, told, fresh=fresh)
    except AccessDeniedError:
        raise
    except AdministrationError as error:
        return _form(request, form, fresh=fresh, problem=str(error), status=409)
    if form.get("step") != "review":
        return _form(request, form, fresh=fresh)
    await administration_of(request).tenants(caller_of(request))
    written = {name: form.get(name, "") for name in FIELDS}
    changes = _changes(before, told)
    return page(request, "access/tenant_review.html", tenant=told, fresh=fresh, changes=changes, written=written)


@router.get("/access/tenants/{name}")
async def tenant(request: Request, name: str) -> Response:
    """One tenant, with the form that changes it where that may be."""
    found = await tenant_of(request, name)
    return _form(request, _written(found), fresh=False, tenant=found)


@router.get("/access/tenants/{name}/remove")
async def removing(request: Request, name: str) -> Response:
    """Asks whether a tenant is to be removed."""
    check_whole(request)
    found, caller = await tenant_of(request, name), caller_of(request)
    keys = [key for key in await administration_of(request).keys(caller) if key.tenant == name]
    valid = sum(key.valid_at(host_of(request).clock.now()) for key in keys)
    return page(request, "access/tenant_remove.html", tenant=found, valid_keys=valid)


@router.post("/access/tenants/{name}/remove")
async def remove(request: Request, name: str) -> Response:
    """Remove it."""
    await form_of(request)
    check_whole(request)
    await tenant_of(request, name)
    await administration_of(request).remove_tenant(caller_of(request), name)
    return RedirectResponse("/access?done=removed", 303)


async def _keep(request: Request, told: Tenant, *, fresh: bool) -> Response:
    administration, caller = administration_of(request), caller_of(request)
    if fresh:
        await administration.add_tenant(caller, told)
        return RedirectResponse("/access?done=added", 303)
    await administration.change_tenant(caller, told)
    return RedirectResponse("/access?done=changed", 303)


def _form(
    request: Request,
    written: Mapping[str, str],
    *,
    fresh: bool,
    tenant: Tenant | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    caller = caller_of(request)
    return page(
        request,
        "access/tenant.html",
        status=status,
        name=written.get("name", ""),
        written={name: written.get(name, "") for name in FIELDS},
        fresh=fresh,
        tenant=tenant,
        row=None if tenant is None else tenant_row(tenant),
        fields=FIELDS,
        changes=caller.tenant is None and not (tenant is not None and tenant.configured),
        problem=problem,
    )


def _written(tenant: Tenant) -> dict[str, str]:
    """A tenant as the form has it: a line for each of a list."""
    days = "" if tenant.retention_days is None else f"{tenant.retention_days:.12g}"
    lists = {name: "\n".join(getattr(tenant, name)) for name in _LISTS}
    return {"name": tenant.name, "title": tenant.title, "retention_days": days, **lists}


def _told(before: Tenant, form: Mapping[str, str]) -> Tenant:
    """The tenant as the form tells it. Raises AdministrationError for days that nothing is kept for."""
    changes: dict[str, Any] = {
        name: tuple(line.strip() for line in form.get(name, "").splitlines() if line.strip()) for name in _LISTS
    }
    days = form.get("retention_days", "").strip()
    try:
        changes["retention_days"] = float(days) if days else None
    except ValueError:
        changes["retention_days"] = nan
    if days and not 0 < changes["retention_days"] <= MOST_DAYS:
        raise AdministrationError(f"the days that calls are kept are a number up to {MOST_DAYS:,}")
    return replace(before, title=form.get("title", "").strip(), **changes)


def _changes(before: Tenant | None, told: Tenant) -> list[tuple[str, str, str]]:
    """What becomes otherwise: a field's name for people, before and after."""
    old, new = _written(before) if before is not None else {}, _written(told)
    pairs = ((words, old.get(name, ""), new[name]) for name, words in FIELDS.items())
    return [(words, was, becomes) for words, was, becomes in pairs if was != becomes]
