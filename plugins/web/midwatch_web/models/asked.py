"""Who may come to this room: callers of no one tenant, for models are the whole installation's."""

from starlette.requests import Request

from midwatch_core import AccessDeniedError, Permission
from midwatch_web.models.model import Model
from midwatch_web.models.reading import models_of
from midwatch_web.serving.asked import caller_of, host_of


def models_for(request: Request) -> list[Model]:
    """The models that this process knows of. Raises AccessDeniedError."""
    caller = caller_of(request)
    if not caller.may(Permission.READ):
        raise AccessDeniedError(f"a key of the role {caller.role} reads nothing")
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and models are for all.")
    return models_of(host_of(request))
