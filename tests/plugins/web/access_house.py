"""A house that asks for keys, with tenants, a key of each role and tenant, and limits and budgets: all real parts."""

from dataclasses import dataclass, field, replace
from typing import cast

from midwatch.control.governing_rows import GoverningRows
from midwatch_core.access.administering import Administration, KeyWish
from midwatch_core.access.caller import LOCAL
from midwatch_core.access.claims import configured_tenants
from midwatch_core.access.directory import Directory
from midwatch_core.access.doorkeeper import Doorkeeper
from midwatch_core.access.settings import TenantSettings
from midwatch_core.config import Config
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, LimitRule
from midwatch_core.host import Host
from midwatch_core.installation import Installation
from midwatch_core.metrics import MetricKind, MetricSpec
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.tenant import Tenant
from tests.plugins.web.conftest import NOW, FixedClock, House

CONFIGURED = configured_tenants({"fixed": TenantSettings(title="In the file")}, "default")
ROLES = tuple(AccessRole)
TENANTS = (None, "ours", "theirs")
BUDGETS = (
    BudgetRule(id="monthly", usd=500),
    BudgetRule(id="agents", usd=2, per=("agent",), hard=False),
    BudgetRule(id="of-theirs", usd=1, tenants=("theirs",)),
)


@dataclass(slots=True, kw_only=True)
class AccessHouse(House):
    """A house with its administration; `keys` has a key's text by role and tenant, `directory` who has access now."""

    keys: dict[tuple[AccessRole, str | None], str] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)
    budgets: tuple[BudgetRule, ...] = BUDGETS
    limits: tuple[LimitRule, ...] = DEFAULT_LIMITS

    @property
    def administration(self) -> Administration:
        return Administration(
            self.metadata, FixedClock(), configured=lambda: CONFIGURED, changed=self._refresh, anchor=lambda: None
        )

    def shows(self, role: AccessRole, tenant: str | None = None) -> dict[str, str]:
        """The header of a role's and tenant's key."""
        return {"x-midwatch-key": self.keys[role, tenant]}

    def host(self) -> Host:
        rows = GoverningRows(
            config=lambda: Config(limits=self.limits, budgets=self.budgets),
            tenants=lambda: [tenant.name for tenant in self.directory.tenants],
            traces=self.traces,
            samples=self.metrics.samples,
            clock=FixedClock(),
        )
        return replace(House.host(self), administration=self.administration, installation=cast("Installation", rows))

    async def _refresh(self) -> None:
        self.directory = Directory.merged(CONFIGURED, await self.metadata.tenants(), await self.metadata.keys())


async def access_house() -> AccessHouse:
    """The house, started; its keys are made as any are."""
    house = AccessHouse()
    house.access = Doorkeeper(lambda: house.directory, FixedClock(), required=True)
    house.metrics.declare(
        [MetricSpec(name="midwatch_limited_total", kind=MetricKind.COUNTER, help="Refused", labels=("rule",))]
    )
    await house.traces.start()
    await house.metadata.start()
    for name in ("ours", "theirs"):
        await house.administration.add_tenant(LOCAL, Tenant(name=name, created_at=NOW, title=f"Title of {name}"))
    for role in ROLES:
        for tenant in TENANTS:
            made = await house.administration.create_key(LOCAL, KeyWish(role=role, tenant=tenant, label=f"{role}"))
            house.keys[role, tenant] = made.text
    return house
