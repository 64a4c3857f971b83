"""A sighting: a client talking to an LLM host, whether we could read what it said or not."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Seen(StrEnum):
    """How much of a connection could be read."""

    DECRYPTED = "decrypted"
    PLAIN = "plain"  # HTTP without TLS
    SNI = "sni"  # passed through: only its name is known
    PINNED = "pinned"  # passed through because its client refused our certificate
    REFUSED = "refused"  # its client refused our certificate, or ours refused the client: no call was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Who talked to which host, how, and how often; counts add up over all sightings that are alike in the rest.

    `provider` is the catalogue's name for the host, None for an LLM host that no provider there has. `known` tells
    whether the host is in the catalogue, or was added by configuration; the others are what people use beside it
    (shadow AI). `process` and `container` are known where the client is on this machine.
    """

    host: str
    tenant: str
    seen: Seen
    first_at: datetime
    last_at: datetime
    provider: str | None = None
    known: bool = True
    client: str | None = None
    app: str | None = None
    user_agent: str | None = None
    process: str | None = None
    container: str | None = None
    connections: int = 0
    calls: int = 0
