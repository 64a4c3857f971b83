"""The settings as the numbers that a series needs, worked out once."""

from dataclasses import dataclass

from midwatch_anomaly.baseline import weight_of
from midwatch_anomaly.settings import Settings

# What is usual in an hour of the day halves its weight in about so many days.
_DAYS = 3
# Windows overlap: it takes so many times as many to know as much of them as of buckets.
_OVERLAP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """`keeping` is what a share of busy buckets keeps in one bucket, `still` the limit for what is running already."""

    weight: float
    wide_weight: float
    slot_weight: float
    keeping: float
    sigma: float
    still: float
    least_samples: float
    wide_samples: float
    factor: float
    minutes: float
    buckets_an_hour: float
    by_hour: bool
    drift: bool

    @classmethod
    def of(cls, settings: Settings) -> "Tuning":
        """From settings."""
        an_hour = 3600 / settings.bucket_s
        return cls(
            weight=weight_of(settings.half_life),
            wide_weight=weight_of(settings.half_life * _OVERLAP),
            slot_weight=weight_of(_DAYS * an_hour),
            keeping=0.5 ** (1 / settings.half_life),
            sigma=settings.sigma,
            still=settings.sigma * 2 / 3,
            least_samples=settings.min_samples,
            wide_samples=settings.min_samples * _OVERLAP,
            factor=settings.least_factor,
            minutes=settings.bucket_s / 60,
            buckets_an_hour=an_hour,
            by_hour=settings.hour_of_day,
            drift=settings.drift,
        )
