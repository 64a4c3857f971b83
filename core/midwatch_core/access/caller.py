"""A caller of a face (REST, console, command line): who, with which role, within which tenants."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from midwatch_core.model.apikey import AccessRole
from midwatch_core.ports import Scope


class Permission(StrEnum):
    """What a caller may do within its scope."""

    # Send calls through the proxy.
    CALL = "call"
    # Read exchanges, costs, findings, reports, the audit log.
    READ = "read"
    # Change policies, limits and rules; reload.
    OPERATE = "operate"
    # Tenants, keys, forgetting people.
    ADMINISTER = "administer"


_PERMISSIONS = {
    AccessRole.CLIENT: frozenset({Permission.CALL}),
    AccessRole.VIEWER: frozenset({Permission.CALL, Permission.READ}),
    AccessRole.OPERATOR: frozenset({Permission.CALL, Permission.READ, Permission.OPERATE}),
    AccessRole.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `name` is a key's id, or `local` where the listener asks for no key. `tenant` None sees all."""

    name: str
    role: AccessRole
    tenant: str | None = None

    @property
    def scope(self) -> Scope:
        """What the caller may see."""
        return Scope() if self.tenant is None else Scope(tenants=frozenset({self.tenant}))

    def may(self, permission: Permission) -> bool:
        """Whether the role allows this, within the caller's scope."""
        return permission in _PERMISSIONS[self.role]

    def may_grant(self, role: AccessRole) -> bool:
        """Whether a role allows nothing that the caller's own does not."""
        return _PERMISSIONS[role] <= _PERMISSIONS[self.role]


LOCAL = Caller(name="local", role=AccessRole.ADMIN)
"""Whoever reaches a listener that asks for no key: the machine's own user."""


class Access(Protocol):
    """What a face asks about who asks it."""

    @property
    def required(self) -> bool:
        """Whether the console's listener asks for a key; where it does not, every caller is LOCAL."""
        ...

    def caller(self, key: str) -> Caller | None:
        """The caller who holds this key; None for one that is unknown, expired or revoked. Takes constant time."""
        ...

    def still(self, caller: Caller) -> bool:
        """Whether a caller of before may still come: its key has not been revoked, expired or changed since."""
        ...
