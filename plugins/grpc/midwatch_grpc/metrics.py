"""What the plugin counts."""

from midwatch_core import MetricKind, MetricSpec

CALLS = "midwatch_grpc_calls_total"

METRICS = (
    MetricSpec(
        name=CALLS,
        kind=MetricKind.COUNTER,
        help="gRPC requests and streams that ended, by their status code",
        labels=("method", "code"),
    ),
)
