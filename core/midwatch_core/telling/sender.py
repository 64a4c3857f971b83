"""Whose a told call is: the tenant of who sends it, and what the sender says of agent, application, user, client."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.access.identifying import label
from midwatch_core.intake import IntakeError, Whose
from midwatch_core.model.identity import Identity
from midwatch_core.user_agent import application


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who tells calls, and by which face (`source`). `tenants` are all there are, `default` is theirs who name none."""

    caller: Caller
    source: str
    tenants: AbstractSet[str]
    default: str

    def identity(self, whose: Whose, user_agent: str | None = None) -> Identity:
        """The identity of a call. Raises AccessDeniedError for another's tenant, IntakeError for one that is none."""
        tenant = self._tenant(whose.tenant)
        own = self.caller != LOCAL and tenant == (self.caller.tenant or self.default)
        said = {name: label(getattr(whose, name)) for name in ("agent", "app", "user", "client")}
        learned = {name: self.source for name, value in said.items() if value} | {"tenant": self.source}
        user_agent = label(user_agent)
        if user_agent and not said["app"]:
            said["app"] = application(user_agent)
            learned["app"] = "user-agent"
        if own:
            learned["key_id"] = self.source
        return Identity(
            tenant=tenant,
            key_id=self.caller.name if own else None,
            user_agent=user_agent,
            learned_from=learned,
            **said,
        )

    def _tenant(self, named: str | None) -> str:
        if self.caller.tenant is not None:
            if named not in (None, self.caller.tenant):
                raise AccessDeniedError(f"a key of the tenant {self.caller.tenant} tells no calls of another")
            return self.caller.tenant
        if named is None:
            return self.default
        if named not in self.tenants:
            raise IntakeError(f"tenant: there is none of the name {named[:200]!r}")
        return named
