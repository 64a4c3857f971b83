"""Settings of limits and budgets: each line is a rule with counters of its own."""

from decimal import Decimal
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from midwatch_core.section import Section

_SUBSCRIPTIONS = (
    "Whether calls that a subscription pays for count as dollars too, at what the API would charge for them."
)

type Per = Literal["tenant", "key", "agent", "user", "app", "model"]


class Period(StrEnum):
    """The calendar periods of a budget, in UTC; a week begins on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class _Rule(Section):
    id: str = Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        description="Its name in refusals and metrics; no two limits or budgets have the same.",
    )
    per: tuple[Per, ...] = Field(
        ("tenant",),
        description="Counters are always a tenant's own; this divides them further: `[key]` is one for each key of "
        "each tenant. There are key, agent, user, app, model.",
    )
    tenants: tuple[str, ...] = Field((), description="Only these tenants' calls; none given is all.")
    models: tuple[str, ...] = Field((), description="Only these models; one may end in *.")
    agents: tuple[str, ...] = Field((), description="Only these agents.")
    providers: tuple[str, ...] = Field((), description="Only these providers.")


class LimitRule(_Rule):
    """One limit, of one kind: requests by token bucket, tokens or dollars by sliding window, or calls at once."""

    requests_per_s: float | None = Field(None, gt=0, description="Requests a second, by token bucket.")
    burst: int | None = Field(None, ge=1, description="Requests that may come at once; goes with requests_per_s.")
    tokens: int | None = Field(None, ge=1, description="Tokens in `window_s`.")
    usd: Decimal | None = Field(None, gt=0, le=1_000_000, description="Dollars in `window_s`.")
    count_subscriptions: bool = Field(False, description=f"{_SUBSCRIPTIONS} Goes with usd.")
    window_s: float = Field(60, ge=1, le=7 * 86400, description="Seconds that tokens and dollars are counted over.")
    concurrent: int | None = Field(None, ge=1, description="Calls at once.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [name for name in ("requests_per_s", "tokens", "usd", "concurrent") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError("a limit has exactly one of requests_per_s, tokens, usd, concurrent")
        if self.burst is not None and kinds != ["requests_per_s"]:
            raise ValueError("burst goes with requests_per_s")
        if self.count_subscriptions and kinds != ["usd"]:
            raise ValueError("count_subscriptions goes with usd: all other kinds count these calls anyway")
        return self


class BudgetRule(_Rule):
    """One budget. A hard one is never passed; a soft one is counted and told of.

    A call to a model without a known price counts its tokens at `assumed_usd_per_million_tokens`.
    """

    usd: Decimal = Field(gt=0, le=1_000_000, description="Dollars in each period.")
    count_subscriptions: bool = Field(False, description=_SUBSCRIPTIONS)
    period: Period = Field(Period.MONTH, description="hour, day, week or month, in UTC.")
    hard: bool = Field(True, description="Calls beyond it are refused; a soft one is counted and told of.")
    assumed_usd_per_million_tokens: Decimal = Field(
        Decimal(20), gt=0, le=10_000, description="What a call to a model without a known price counts as."
    )


class GovernanceSettings(Section):
    """How limits and budgets are kept."""

    assumed_output_tokens: int = Field(
        4096,
        ge=1,
        description="Output tokens reserved where a call sets no maximum; a stream asks for more in time.",
    )
    hold_s: float = Field(
        900, ge=10, le=86400, description="Seconds until what an unsettled call reserved counts as spent."
    )
    when_unavailable: Literal["pass", "refuse"] = Field(
        "pass",
        description="What becomes of calls under a shared limit or budget while its cache is away; pass counts in the "
        "worker's own memory meanwhile.",
    )


DEFAULT_LIMITS = (LimitRule(id="requests", requests_per_s=100, burst=200),)
"""What every tenant has unless `limits` says otherwise."""
