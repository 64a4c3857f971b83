"""Tenants and keys, for programs. A key's text is in the answer that made it, and nowhere else."""

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import KeyWish, MadeKey, Tenant, key_row, tenant_row
from midwatch_web.access.asked import administration_of, check_whole, key_of, tenant_of
from midwatch_web.access.bodies import NewKey, NewTenant, Rotation, TenantBody
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.bodies import JsonRoute

router = APIRouter(prefix="/api/v1", tags=["access"], route_class=JsonRoute)


@router.get("/tenants")
async def tenants(request: Request) -> Response:
    """The tenants that you administer. Those that are `configured` stand in the configuration, and change there."""
    found = await administration_of(request).tenants(caller_of(request))
    return json_answer({"tenants": [tenant_row(tenant) for tenant in found]})


@router.post("/tenants", status_code=201)
async def add_tenant(request: Request, body: NewTenant) -> Response:
    """Add a tenant. For admins of the installation."""
    made = Tenant(created_at=host_of(request).clock.now(), **dict(body))
    return json_answer(tenant_row(await administration_of(request).add_tenant(caller_of(request), made)), 201)


@router.get("/tenants/{name}")
async def tenant(request: Request, name: str) -> Response:
    """One tenant."""
    return json_answer(tenant_row(await tenant_of(request, name)))


@router.patch("/tenants/{name}")
async def change_tenant(request: Request, name: str, body: TenantBody) -> Response:
    """Change what is named, and leave the rest. For admins of the installation."""
    check_whole(request)
    changes = {field: getattr(body, field) for field in body.model_fields_set}
    changed = replace(await tenant_of(request, name), **changes)
    return json_answer(tenant_row(await administration_of(request).change_tenant(caller_of(request), changed)))


@router.delete("/tenants/{name}")
async def remove_tenant(request: Request, name: str) -> Response:
    """Forget a tenant and revoke its keys; what is kept of its calls stays. For admins of the installation."""
    check_whole(request)
    await tenant_of(request, name)
    revoked = await administration_of(request).remove_tenant(caller_of(request), name)
    return json_answer({"name": name, "revoked_keys": revoked})


@router.get("/keys")
async def keys(request: Request) -> Response:
    """The keys that you administer, oldest first, also those no longer valid."""
    found, now = await administration_of(request).keys(caller_of(request)), host_of(request).clock.now()
    return json_answer({"keys": [key_row(key, now) for key in found]})


@router.post("/keys", status_code=201)
async def create_key(request: Request, body: NewKey) -> Response:
    """Make a key, of your tenant and of no wider role than yours. `key` is its text: shown this once."""
    made = await administration_of(request).create_key(caller_of(request), KeyWish(**dict(body)))
    return _made(request, made)


@router.get("/keys/{key_id}")
async def key(request: Request, key_id: str) -> Response:
    """One key, as people may see it: never its text."""
    return json_answer(key_row(await key_of(request, key_id), host_of(request).clock.now()))


@router.delete("/keys/{key_id}")
async def revoke_key(request: Request, key_id: str) -> Response:
    """End a key, now and for good. Doing it again is no error."""
    await key_of(request, key_id)
    ended = await administration_of(request).revoke_key(caller_of(request), key_id)
    return json_answer(key_row(ended, host_of(request).clock.now()))


@router.post("/keys/{key_id}/rotate", status_code=201)
async def rotate_key(request: Request, key_id: str, body: Rotation) -> Response:
    """A new key in place of one, which lives on for `grace_s`. `key` is its text: shown this once."""
    await key_of(request, key_id)
    made = await administration_of(request).rotate_key(
        caller_of(request), key_id, grace=timedelta(seconds=body.grace_s)
    )
    return _made(request, made)


def _made(request: Request, made: MadeKey) -> Response:
    return json_answer({**key_row(made.key, host_of(request).clock.now()), "key": made.text}, 201)
