"""Who may come to this room: callers of no one tenant, for a policy is the whole installation's."""

from starlette.requests import Request

from midwatch_core import AccessDeniedError, PolicyDesk
from midwatch_web.serving.asked import caller_of, host_of, there


def desk_of(request: Request) -> PolicyDesk:
    """The policy desk. Raises AccessDeniedError, and HTTPException where this process has none."""
    caller = caller_of(request)
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and the policy is for all.")
    return there(host_of(request).policies, "policy desk")
