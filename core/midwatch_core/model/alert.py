"""An alert: something a person should know of now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.model.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, or with `resolved` its end. Equal `fingerprint`s are the same trouble.

    `category` is a word for routing (`breaker`, `budget`, `journal`, `plugin`, `store`); `title` one line without
    secrets, `details` what helps. `tenant` None is the installation's own trouble.
    """

    at: datetime
    category: str
    severity: Severity
    title: str
    fingerprint: str
    tenant: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    resolved: bool = False
