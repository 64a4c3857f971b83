"""When things happened within one call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """Times between chunks that carried tokens of a streamed answer, in milliseconds; p50 and p95 to within 10 %."""

    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Durations in milliseconds, from the moment the whole request had been read.

    `ttft_ms`: to the first token of a streamed answer, or to the first byte of the body of one sent whole.
    `duration_ms`: to the end of the answer, or to the moment the call failed.
    """

    ttft_ms: float | None = None
    duration_ms: float | None = None
    gaps: Gaps | None = None
