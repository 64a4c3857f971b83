"""The administration as handlers need it: there, and with a 404 for what the caller does not administer."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_core import AccessDeniedError, Administration, ApiKey, Tenant
from midwatch_web.serving.asked import caller_of, host_of, there


def administration_of(request: Request) -> Administration:
    """The administration. Raises HTTPException where this process has none."""
    return there(host_of(request).administration, "administration")


def check_whole(request: Request) -> None:
    """Tenants are changed by admins of the installation: told before a form is filled in. Raises AccessDeniedError."""
    caller = caller_of(request)
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and this concerns all.")


async def key_of(request: Request, key_id: str) -> ApiKey:
    """A key that the caller administers; another tenant's is as good as not there. Raises HTTPException."""
    for key in await administration_of(request).keys(caller_of(request)):
        if key.id == key_id:
            return key
    raise HTTPException(404, "There is no such key.")


async def tenant_of(request: Request, name: str) -> Tenant:
    """A tenant that the caller administers; another is as good as not there. Raises HTTPException."""
    for tenant in await administration_of(request).tenants(caller_of(request)):
        if tenant.name == name:
            return tenant
    raise HTTPException(404, "There is no such tenant.")
