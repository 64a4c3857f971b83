"""The first admin key: where keys are asked for and no admin has one, somebody must be able to begin."""

from midwatch_core.access.administering import Administration, KeyWish, MadeKey
from midwatch_core.access.caller import Caller
from midwatch_core.access.errors import AdministrationError
from midwatch_core.clock import Clock
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.secret_text import resolve_secrets

CONTROL = Caller(name="control", role=AccessRole.ADMIN)
"""Control itself, where it does what nobody asked for."""

_SETTING = "access.admin_key"


async def first_admin_key(administration: Administration, clock: Clock, admin_key: str | None) -> MadeKey | None:
    """Keep the key that the setting `access.admin_key` names, or make one, where no admin of all has a valid one.

    The key that was made, to be shown once; None where none had to be. Raises ConfigError and StorageError.
    """
    now = clock.now()
    keys = await administration.keys(CONTROL)
    if any(key.role is AccessRole.ADMIN and key.tenant is None and key.valid_at(now) for key in keys):
        return None
    wish = KeyWish(role=AccessRole.ADMIN, label="first admin key")
    if admin_key is None:
        return await administration.create_key(CONTROL, wish)
    try:
        await administration.take_key(CONTROL, wish, resolve_secrets(admin_key, key=_SETTING))
    except AdministrationError as error:
        # There already, and yet no valid key of an admin: it was revoked, and must not come back by a restart.
        raise ConfigError(f"{_SETTING}: {error}; no admin has a valid key: give one that is not known yet") from error
    return None
