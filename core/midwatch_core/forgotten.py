"""Who was forgotten: what plugins are told once the stores have forgotten, so that they forget too."""

from dataclasses import dataclass, fields
from datetime import datetime

from midwatch_core.ports.traces import ExchangeFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Whose exchanges went: all conditions hold at once; None asks nothing. `since` is inclusive, `until` exclusive.

    `narrowed`: there were further conditions, such as a text that was searched for, which are nobody else's to know.
    """

    tenant: str | None = None
    user: str | None = None
    key_id: str | None = None
    client: str | None = None
    agent: str | None = None
    app: str | None = None
    trace_id: str | None = None
    session: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    narrowed: bool = False

    @classmethod
    def of(cls, wanted: ExchangeFilter) -> "Forgotten":
        """Who is meant by the conditions on exchanges."""
        told = {item.name for item in fields(cls)} - {"narrowed"}
        given = {item.name: getattr(wanted, item.name) for item in fields(wanted)}
        narrowed = any(value is not None for name, value in given.items() if name not in told)
        return cls(**{name: given[name] for name in told}, narrowed=narrowed)

    @property
    def whole_tenant(self) -> str | None:
        """The tenant that is forgotten as a whole, or all of it before `until`; None where only some of it is."""
        some = (self.user, self.key_id, self.client, self.agent, self.app, self.trace_id, self.session, self.since)
        return None if self.narrowed or any(value is not None for value in some) else self.tenant
