"""The section `anomaly` of the configuration."""

from pydantic import Field

from midwatch_anomaly.looping.limits import LoopLimits
from midwatch_anomaly.newness import NewnessLimits
from midwatch_core import Section


class Settings(Section):
    """All have defaults."""

    bucket_s: int = Field(60, ge=10, le=3600, description="Seconds of traffic that are judged as one.")
    sigma: float = Field(
        3.0,
        ge=1.5,
        le=20,
        description="How many deviations from what is usual make an anomaly; twice as many are grave.",
    )
    min_samples: int = Field(
        60,
        ge=10,
        le=10_000,
        description="Buckets with traffic before a series is judged; of means and rates half of it.",
    )
    warm_up_h: float = Field(48.0, ge=0, le=24 * 30, description="Hours a tenant, agent, key or model is only learned.")
    half_life: int = Field(
        60, ge=5, le=100_000, description="Buckets with traffic after which what was weighs half in what is usual."
    )
    in_a_row: int = Field(
        2, ge=1, le=100, description="Buckets that must be off one after the other, unless one is off twice as far."
    )
    calm: int = Field(5, ge=1, le=1000, description="Buckets as usual after which an anomaly is over.")
    least_factor: float = Field(
        2.0, ge=1.0, le=100, description="Sums and times below so many times the usual are no anomaly."
    )
    hour_of_day: bool = Field(
        True, description="Whether values are also held against the same hour (UTC) of the days before."
    )
    silence: bool = Field(True, description="Whether it is an anomaly that a tenant's steady calls stop.")
    drift: bool = Field(True, description="Whether days are held against days, for what grows too slowly to stand out.")
    most_names: int = Field(
        50,
        ge=1,
        le=1000,
        description="Agents, keys and models of a tenant, each; what is beyond is watched as `other`.",
    )
    most_series: int = Field(
        40_000, ge=100, le=1_000_000, description="Tenants, agents, keys and models in all (about 5 KB each)."
    )
    forget_days: float = Field(14.0, gt=0, le=400, description="Days without a call after which a name is forgotten.")
    loops: LoopLimits = Field(LoopLimits(), description="Agents that repeat themselves.")
    newness: NewnessLimits = Field(NewnessLimits(), description="Hosts, models and tools that a tenant never used.")
