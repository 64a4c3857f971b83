"""An API key as it is kept: never the key itself, only its digest and a prefix that people know it by."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AccessRole(StrEnum):
    """What the holder of a key may do (see `access.caller`)."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    # Sends calls through the proxy, and reads nothing: for agents and applications.
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key. `id` is its visible beginning (`mw_k3f9x2ab`), `digest` the SHA-256 of the whole, in hex.

    `tenant` None is a key of the installation: it sees all tenants. `agent` names the agent of calls made with it.
    """

    id: str
    digest: str
    role: AccessRole
    tenant: str | None
    created_at: datetime
    label: str = ""
    agent: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, moment: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)
