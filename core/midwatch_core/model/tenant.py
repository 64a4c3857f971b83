"""A tenant: whose calls and whose data, and by what its calls are known."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant. A call is its own by a key of its, or by what is listed here (see `access`).

    `networks` are CIDR ranges of client addresses, `provider_keys` fingerprints of provider keys (keyed hashes, never
    the key), `certificates` subjects of client certificates. `retention_days` None keeps what the installation keeps.
    `configured`: it stands in the configuration, and can be changed only there.
    """

    name: str
    created_at: datetime
    title: str = ""
    networks: tuple[str, ...] = ()
    provider_keys: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    retention_days: float | None = None
    configured: bool = False
