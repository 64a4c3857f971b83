"""What calls come to, as metrics: counted when they are stored, so that no call waits for it.

They begin at zero with each control process, as counters may. The histograms' bounds are those of OpenTelemetry's GenAI
metrics, with more room for slow models:
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from midwatch.control.model_labels import ModelLabels
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.usage import Usage

CALLS = "midwatch_exchanges_total"
TOKENS = "midwatch_tokens_total"
COST = "midwatch_cost_usd_total"
TTFT = "midwatch_ttft_seconds"
DURATION = "midwatch_duration_seconds"
CHUNK = "midwatch_inter_chunk_seconds"

_WHOSE = ("tenant", "provider", "model")
_WHICH = ("provider", "model")
METRICS = (
    MetricSpec(
        name=CALLS,
        kind=MetricKind.COUNTER,
        help="Calls stored, by the class of the status the client saw; `none` where no answer came",
        labels=(*_WHOSE, "status"),
    ),
    MetricSpec(
        name=TOKENS,
        kind=MetricKind.COUNTER,
        help="Tokens; cache_read and cache_write are parts of input, reasoning is a part of output",
        labels=(*_WHOSE, "kind"),
    ),
    MetricSpec(
        name=COST,
        kind=MetricKind.COUNTER,
        help="Cost in US dollars: metered, or api_equivalent where a subscription paid",
        labels=(*_WHOSE, "basis"),
    ),
    MetricSpec(
        name=TTFT,
        kind=MetricKind.HISTOGRAM,
        help="Time to the first token of a streamed answer, or to the first byte of one sent whole",
        labels=_WHICH,
        buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0),
    ),
    MetricSpec(
        name=DURATION,
        kind=MetricKind.HISTOGRAM,
        help="Time from a whole request to the end of its answer",
        labels=_WHICH,
        buckets=(0.01, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68),
    ),
    MetricSpec(
        name=CHUNK,
        kind=MetricKind.HISTOGRAM,
        help="A streamed answer's mean time between chunks that carried tokens",
        labels=_WHICH,
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5),
    ),
)
# No call has this many tokens, costs this much, or lasts so long: what is beyond was made up, and would drown the rest.
_MOST = 1e9


class ExchangeNumbers:
    """Takes stored exchanges and counts them; METRICS are declared in `metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._models = ModelLabels()

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Count these."""
        for exchange in exchanges:
            self._count(exchange)

    def _count(self, exchange: Exchange) -> None:
        which = (exchange.endpoint.provider, self._models.label(exchange))
        whose = (exchange.identity.tenant, *which)
        self._metrics.add(CALLS, 1, (*whose, status_class(exchange.status)))
        if exchange.response is not None and exchange.response.usage is not None:
            for kind, tokens in _tokens(exchange.response.usage):
                self._metrics.add(TOKENS, _sound(tokens), (*whose, kind))
        if exchange.cost is not None and exchange.cost.amount is not None:
            self._metrics.add(COST, _sound(exchange.cost.amount), (*whose, exchange.cost.basis.value))
        self._observe(exchange, which)

    def _observe(self, exchange: Exchange, which: tuple[str, ...]) -> None:
        timing = exchange.timing
        gap_ms = timing.gaps.mean_ms if timing.gaps is not None else None
        for name, elapsed_ms in ((TTFT, timing.ttft_ms), (DURATION, timing.duration_ms), (CHUNK, gap_ms)):
            if elapsed_ms is not None:
                self._metrics.observe(name, _sound(elapsed_ms) / 1000, which)


def status_class(status: int | None) -> str:
    """`2xx` and the like; `none` where there is no status, or it is none."""
    return f"{status // 100}xx" if status is not None and 100 <= status < 600 else "none"


def _tokens(usage: Usage) -> Iterator[tuple[str, int]]:
    """The kinds of tokens that were reported."""
    for kind, tokens in (
        ("input", usage.input_tokens),
        ("output", usage.output_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("reasoning", usage.reasoning_tokens),
    ):
        if tokens:
            yield kind, tokens


def _sound(reported: int | float | Decimal) -> float:
    """A number that a counter survives, whatever was reported: with it the counter never falls, and stays a number."""
    number = float(reported) if isinstance(reported, Decimal) else reported
    return float(number) if 0 <= number <= _MOST else 0.0
