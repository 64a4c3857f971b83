"""The pages of keys: which there are, one made, one replaced, one ended. Only what makes a key shows it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from midwatch_core import AccessDeniedError, AccessRole, AdministrationError, Caller, KeyWish, key_row
from midwatch_web.access.asked import administration_of, key_of
from midwatch_web.access.using import last_use, last_uses
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_MOST_KEYS = 500
_DONE = {
    "revoked": "Revoked: the key opens nothing any more, on no worker.",
    "added": "The tenant is added. Make it a key next, or its networks tell its calls.",
    "changed": "The tenant is changed, for the calls from now on.",
    "removed": "The tenant is removed and its keys are revoked. What is kept of its calls stays.",
}
_TERMS: Mapping[str, tuple[str, int | None]] = {
    "30": ("30 days", 30),
    "90": ("90 days", 90),
    "365": ("a year", 365),
    "": ("as long as it is not revoked", None),
}
_GRACES: Mapping[str, tuple[str, timedelta]] = {
    "3600": ("an hour", timedelta(hours=1)),
    "86400": ("a day", timedelta(days=1)),
    "604800": ("a week", timedelta(days=7)),
    "0": ("not at all: it ends now", timedelta()),
}


@router.get("/access")
async def access(request: Request, done: str = "", tenant: str = "", state: str = "valid") -> Response:
    """Keys and tenants."""
    administration, caller, now = administration_of(request), caller_of(request), host_of(request).clock.now()
    found = [key_row(key, now) for key in await administration.keys(caller)]
    rows = [row for row in found if tenant in ("", row["tenant"]) and (state != "valid" or row["state"] == "valid")]
    return page(
        request,
        "access/access.html",
        keys=rows[::-1][:_MOST_KEYS],
        cut=len(rows) > _MOST_KEYS,
        there_are=len(found),
        uses=await last_uses(request, now),
        tenants=await administration.tenants(caller),
        chosen_tenant=tenant,
        chosen_state=state,
        done=_DONE.get(done, ""),
    )


@router.get("/access/new-key")
async def wishing(request: Request, tenant: str = "") -> Response:
    """The form for a key: unless chosen otherwise of the first tenant, for one of the installation sees all."""
    tenants = await administration_of(request).tenants(caller_of(request))
    first = tenants[0].name if tenants else ""
    return await _wish_form(request, {"tenant": tenant or first, "role": "client", "expires": "90"})


@router.post("/access/keys")
async def create(request: Request) -> Response:
    """Make a key, and show it in this answer: no address carries it, and nothing keeps it."""
    form, administration, caller = await form_of(request), administration_of(request), caller_of(request)
    try:
        made = await administration.create_key(caller, _wish(form, host_of(request).clock.now()))
    except AccessDeniedError:
        raise
    except AdministrationError as error:
        return await _wish_form(request, form, problem=str(error), status=409)
    return _shown(request, made.key.id, made.text, key_row(made.key, host_of(request).clock.now()))


@router.get("/access/keys/{key_id}")
async def key(request: Request, key_id: str) -> Response:
    """One key: what it is, and what can be done about it."""
    return await _key_page(request, key_id)


@router.post("/access/keys/{key_id}/rotate")
async def rotate(request: Request, key_id: str) -> Response:
    """A new key in place of this one, shown in this answer alone."""
    form, now = await form_of(request), host_of(request).clock.now()
    await key_of(request, key_id)
    grace = _GRACES.get(form.get("grace", ""))
    if grace is None:
        raise HTTPException(400, "How long the old key lives on is not said.")
    try:
        made = await administration_of(request).rotate_key(caller_of(request), key_id, grace=grace[1])
    except AccessDeniedError:
        raise
    except AdministrationError as error:
        return await _key_page(request, key_id, problem=str(error), status=409)
    return _shown(request, made.key.id, made.text, key_row(made.key, now), replaces=key_id, grace=grace[0])


@router.get("/access/keys/{key_id}/revoke")
async def revoking(request: Request, key_id: str) -> Response:
    """Asks whether a key is to end."""
    row = key_row(await key_of(request, key_id), host_of(request).clock.now())
    return page(request, "access/revoke.html", key=row, own=caller_of(request).name == key_id)


@router.post("/access/keys/{key_id}/revoke")
async def revoke(request: Request, key_id: str) -> Response:
    """End it."""
    await form_of(request)
    await key_of(request, key_id)
    await administration_of(request).revoke_key(caller_of(request), key_id)
    return RedirectResponse("/access?done=revoked", 303)


async def _key_page(request: Request, key_id: str, *, problem: str = "", status: int = 200) -> Response:
    now = host_of(request).clock.now()
    row = key_row(await key_of(request, key_id), now)
    used = await last_use(request, now, key_id)
    graces = {value: words for value, (words, _) in _GRACES.items()}
    return page(request, "access/key.html", status=status, key=row, used=used, graces=graces, problem=problem)


async def _wish_form(request: Request, form: Mapping[str, str], *, problem: str = "", status: int = 200) -> Response:
    administration, caller = administration_of(request), caller_of(request)
    tenants = await administration.tenants(caller)
    names = ("tenant", "role", "label", "agent", "expires", "until")
    return page(
        request,
        "access/new_key.html",
        status=status,
        tenants=tenants,
        roles=_grantable(caller),
        terms={value: words for value, (words, _) in _TERMS.items()},
        given={name: form.get(name, "") for name in names},
        problem=problem,
    )


def _grantable(caller: Caller) -> list[str]:
    """Roles the caller may give, the narrowest first."""
    return [role.value for role in reversed(AccessRole) if caller.may_grant(role)]


def _wish(form: Mapping[str, str], now: datetime) -> KeyWish:
    """The form's key. Raises AdministrationError for what is none."""
    try:
        role = AccessRole(form.get("role", ""))
    except ValueError as error:
        raise AdministrationError("choose a role of the list") from error
    return KeyWish(
        role=role,
        tenant=form.get("tenant", "").strip() or None,
        label=form.get("label", ""),
        agent=form.get("agent", "").strip() or None,
        expires_at=_end(form, now),
    )


def _end(form: Mapping[str, str], now: datetime) -> datetime | None:
    """Until when: the day that was written, which is included, before the term that was chosen."""
    if day := form.get("until", "").strip():
        try:
            return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise AdministrationError("write the last day as 2027-01-31") from error
    if form.get("expires", "") not in _TERMS:
        raise AdministrationError("choose how long the key is valid")
    days = _TERMS[form.get("expires", "")][1]
    return None if days is None else now + timedelta(days=days)


def _shown(request: Request, key_id: str, text: str, row: Mapping[str, Any], **more: str) -> Response:
    listen = str(host_of(request).settings.get("listen") or "127.0.0.1:8080")
    nothing = {"replaces": "", "grace": ""}
    return page(request, "access/made.html", status=201, key=row, key_text=text, listen=listen, **(nothing | more))
