"""What every told call has, however it is told."""

from dataclasses import dataclass
from datetime import datetime

from midwatch_core.model.identity import Identity
from midwatch_core.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A call's id, when it began (UTC), whose it is, and the sealer of that tenant."""

    id: str
    at: datetime
    identity: Identity
    sealer: Sealer
