"""An alert: something a person should know of now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.model.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, or with `resolved` its end. Equal `fingerprint`s are the same trouble.

    `category` is a word for routing (`anomaly`, `breaker`, `budget`, `certificate`, `finding`, `journal`, `pack`,
    `plugin`, `store`); `title` one line without secrets, which begins with a capital; `details` what helps. `tenant`
    None is the installation's own trouble. `count` is how often it came since it was last told; 0 says that it goes on
    and nothing is new. Where nobody tells its end, it ends at `expires_at`, unless it is told again before.
    """

    at: datetime
    category: str
    severity: Severity
    title: str
    fingerprint: str
    tenant: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    count: int = 1
    expires_at: datetime | None = None
    resolved: bool = False
