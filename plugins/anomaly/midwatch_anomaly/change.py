"""What the watcher tells: an anomaly that began, goes on or is over, and what explains it."""

from dataclasses import dataclass
from enum import StrEnum

from midwatch_core import Severity


class Scope(StrEnum):
    """Whose traffic a series is of: a tenant's in all, or a part of it."""

    TENANT = "tenant"
    AGENT = "agent"
    KEY = "key"
    MODEL = "model"


class Metric(StrEnum):
    """What is watched. The first four are sums of a bucket of time, the others ratios over some calls."""

    COST = "cost_usd"
    CALLS = "calls"
    INPUT = "input_tokens"
    OUTPUT = "output_tokens"
    LATENCY = "latency_ms"
    TTFT = "ttft_ms"
    ERRORS = "error_rate"
    FINDINGS = "findings_rate"
    RATIO = "output_ratio"
    PRICE = "cost_per_token"
    INPUT_SIZE = "input_per_call"
    OUTPUT_SIZE = "output_per_call"


class Side(StrEnum):
    """In which way it is not as usual. `DRIFT`: a day's sum has grown, no minute of it stands out."""

    HIGH = "high"
    LOW = "low"
    DRIFT = "drift"


class Stage(StrEnum):
    """Where an anomaly stands."""

    BEGAN = "began"
    GOES_ON = "goes on"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """A part of a tenant's traffic and its share of what is not as usual, from 0 to 1."""

    scope: Scope
    name: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a series is not as usual: `value` is far from `usual`, by `deviations` times what it varies by.

    `value`, `usual` and `sigma` (what is one deviation more than usual) are in the metric's own unit: of sums in so
    many `buckets`, or for a drift in a day (`buckets` are then all that were judged); for one that is low, `value` and
    `usual` are calls since `since_s`. `hour` is the hour of the day (UTC) that `usual` is of, None where it is of the
    time just before. `also` are other metrics of the same kind that are high with it: calls bring tokens, and tokens
    cost.
    """

    tenant: str
    scope: Scope
    name: str
    metric: Metric
    side: Side
    value: float
    usual: float
    sigma: float
    deviations: float
    since_s: float
    bucket_s: float
    buckets: int = 1
    hour: int | None = None
    also: tuple[Metric, ...] = ()
    contributors: tuple[Contributor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to tell. `severity` never falls while an anomaly goes on."""

    stage: Stage
    at_s: float
    severity: Severity
    explanation: Explanation

    @property
    def fingerprint(self) -> str:
        """What makes two changes the same anomaly."""
        of = self.explanation
        return f"anomaly:{of.tenant}:{of.scope}:{of.name}:{of.metric}:{of.side}"
