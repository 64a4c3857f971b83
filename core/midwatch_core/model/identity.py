"""Who made a call, and how that was learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Tenant, agent, application, user and client address of a call.

    `learned_from` maps a field's name to where its value came from (`user-agent`, `header`, `default`, …).
    """

    tenant: str = DEFAULT_TENANT
    key_id: str | None = None
    agent: str | None = None
    app: str | None = None
    user: str | None = None
    client: str | None = None
    user_agent: str | None = None
    learned_from: Mapping[str, str] = field(default_factory=dict)
