"""Spending, keys, tenants and reports under the predecessor's paths."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import AccessRole, ApiKey, KeyWish, ReportOrder, Tenant
from midwatch_web.access.asked import administration_of, key_of
from midwatch_web.access.bodies import Name
from midwatch_web.legacy.aliasing import aliased, page_or
from midwatch_web.legacy.budgets import spending
from midwatch_web.serving.answers import utc
from midwatch_web.serving.asked import caller_of, host_of, installation_of, there

_MAX_NAME = 200

type Moment = Annotated[datetime, AfterValidator(utc)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OldKey(_Body):
    """A key to be made."""

    tenant_id: Name = Field(description="The tenant's name.", examples=["acme"])
    name: str = Field(min_length=1, max_length=_MAX_NAME, examples=["nightly"])
    role: Literal["admin", "operator", "viewer"] = Field(examples=["viewer"])


class OldTenant(_Body):
    """A tenant to be added. There are no plans here, and `config` is not kept: settings are the installation's."""

    name: Name = Field(examples=["acme"])
    plan: str = Field("default", max_length=_MAX_NAME)
    config: dict[str, Any] = Field(default_factory=dict, max_length=0, description="Nothing is kept of it: leave it.")


class OldOrder(_Body):
    """A report to be made."""

    report_type: Literal["soc2", "gdpr", "hipaa"] = Field(examples=["gdpr"])
    period_start: Moment = Field(examples=["2026-10-01T00:00:00Z"])
    period_end: Moment = Field(examples=["2026-11-01T00:00:00Z"])


async def current_costs(request: Request, agent_id: str | None = None, tenant_id: str | None = None) -> Response:
    """What budgets allow and what is spent of them. 404 where there is no budget. Now `/api/v1/budgets`."""

    async def answer() -> Response:
        caller = caller_of(request)
        rows = await installation_of(request).budgets(caller)
        found = spending(rows, host_of(request).clock.now(), tenant=caller.tenant or tenant_id, agent=agent_id)
        if not found["windows"]:
            raise HTTPException(404, "There is no such budget.")
        return aliased(found, "/api/v1/budgets")

    return await page_or(request, "/costs", answer)


async def keys(request: Request) -> Response:
    """The keys that you administer. Now `/api/v1/keys`."""

    async def answer() -> Response:
        found = await administration_of(request).keys(caller_of(request))
        return aliased([{**_key(key), "revoked_at": _moment(key.revoked_at)} for key in found], "/api/v1/keys")

    return await page_or(request, "/access", answer)


async def create_key(request: Request, body: OldKey) -> Response:
    """Make a key; `key` is its text, shown this once. Now `/api/v1/keys`."""
    wish = KeyWish(role=AccessRole(body.role), tenant=body.tenant_id, label=body.name)
    made = await administration_of(request).create_key(caller_of(request), wish)
    return aliased({**_key(made.key), "key": made.text}, "/api/v1/keys", 201)


async def revoke_key(request: Request, key_id: str) -> Response:
    """End a key for good. Now `/api/v1/keys/{key_id}`."""
    await key_of(request, key_id)
    await administration_of(request).revoke_key(caller_of(request), key_id)
    answer = aliased(None, f"/api/v1/keys/{key_id}")
    return Response(status_code=204, headers={name: answer.headers[name] for name in ("Deprecation", "Link")})


async def tenants(request: Request) -> Response:
    """The tenants that you administer. Now `/api/v1/tenants`."""

    async def answer() -> Response:
        found = await administration_of(request).tenants(caller_of(request))
        return aliased([_tenant(tenant) for tenant in found], "/api/v1/tenants")

    return await page_or(request, "/access", answer)


async def add_tenant(request: Request, body: OldTenant) -> Response:
    """Add a tenant, and make the admin key it begins with. Now `/api/v1/tenants` and `/api/v1/keys`."""
    administration, caller = administration_of(request), caller_of(request)
    made = await administration.add_tenant(caller, Tenant(name=body.name, created_at=host_of(request).clock.now()))
    key = await administration.create_key(caller, KeyWish(role=AccessRole.ADMIN, tenant=made.name, label="Default Key"))
    return aliased({**_tenant(made), "api_key": key.text}, "/api/v1/tenants", 201)


async def generate(request: Request, body: OldOrder) -> Response:
    """Have a report made in the background. Now `/api/v1/reports`, where it is found by its `id`."""
    caller = caller_of(request)
    order = ReportOrder(tenant=caller.tenant, since=body.period_start, until=body.period_end)
    report = await there(host_of(request).reports, "report desk").order(caller, body.report_type, order)
    return aliased({"id": report.id, "status": "pending"}, f"/api/v1/reports/{report.id}", 202)


def _key(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "tenant_id": key.tenant,
        "name": key.label,
        "key_prefix": f"{key.id}…",
        "role": key.role.value,
        "created_at": key.created_at.isoformat(),
    }


def _tenant(tenant: Tenant) -> dict[str, object]:
    return {
        "id": tenant.name,
        "name": tenant.title or tenant.name,
        "plan": "default",
        "created_at": tenant.created_at.isoformat(),
        "config": {},
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
