"""An anomaly in words: the alert of a change, which says by itself why it was raised."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from midwatch_anomaly.change import Change, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.measuring import CATEGORY
from midwatch_core import Alert

# An anomaly that nobody tells any more is over: the process that told it is gone.
_BUCKETS_LEFT = 5
_LEAST_LEFT_S = 300.0
_MOST_SECONDS = 300.0
_WORDS = {
    Metric.COST: "cost",
    Metric.CALLS: "calls",
    Metric.INPUT: "input tokens",
    Metric.OUTPUT: "output tokens",
    Metric.LATENCY: "latency",
    Metric.TTFT: "time to first token",
    Metric.ERRORS: "error rate",
    Metric.FINDINGS: "rate of calls with findings",
    Metric.RATIO: "output per input token",
    Metric.PRICE: "cost per token",
    Metric.INPUT_SIZE: "input tokens per call",
    Metric.OUTPUT_SIZE: "output tokens per call",
}
_SUMS = (Metric.COST, Metric.CALLS, Metric.INPUT, Metric.OUTPUT)


def alert_of(change: Change) -> Alert:
    """The alert. What goes on counts as nothing new."""
    of = change.explanation
    at = datetime.fromtimestamp(change.at_s, UTC)
    return Alert(
        at=at,
        category=CATEGORY,
        severity=change.severity,
        title=title_of(of),
        fingerprint=change.fingerprint,
        tenant=of.tenant,
        details=details_of(of),
        count=1 if change.stage is Stage.BEGAN else 0,
        expires_at=at + timedelta(seconds=max(_BUCKETS_LEFT * of.bucket_s, _LEAST_LEFT_S)),
        resolved=change.stage is Stage.OVER,
    )


def title_of(of: Explanation) -> str:
    """One line."""
    if of.side is Side.LOW:
        return f"Calls of {whose(of)} stopped"
    words = _WORDS[of.metric]
    what = f"{words[0].upper()}{words[1:]} of {whose(of)}"
    if of.side is Side.DRIFT:
        return f"{what}: grown{_to(of)} the usual of a day"
    return f"{what}: {_times(of)} the usual"


def whose(of: Explanation) -> str:
    """Whose traffic it is."""
    part = "" if of.scope is Scope.TENANT else f", {of.scope} {of.name}"
    return f"{of.tenant}{part}"


def details_of(of: Explanation) -> dict[str, str]:
    """What explains it, as a person reads it."""
    shown, per = _shown(of.metric), _per(of)
    details = {
        "metric": of.metric.value,
        "value": shown(of.value) + per,
        "usual": shown(of.usual) + per + (f", at {of.hour:02d}:00 UTC" if of.hour is not None else ""),
        "sigma": shown(of.sigma) + per,
        "deviations": f"{of.deviations:.1f}",
        "since": datetime.fromtimestamp(of.since_s, UTC).isoformat(timespec="seconds"),
    }
    if of.scope in (Scope.AGENT, Scope.MODEL):
        details[of.scope.value] = of.name  # faces narrow their links by it
    if of.also:
        details["also"] = ", ".join(_WORDS[metric] for metric in of.also)
    for scope in (Scope.AGENT, Scope.KEY, Scope.MODEL):
        shares = [f"{item.name} {item.share:.0%}" for item in of.contributors if item.scope is scope]
        if shares:
            details[f"{scope}s"] = ", ".join(shares)
    return details


def _to(of: Explanation) -> str:
    times = _times(of)
    return f" to {times}" if times.endswith("×") else f" {times}"


def _times(of: Explanation) -> str:
    if of.usual <= 0 or of.value > 1000 * of.usual:
        return "far above"
    return f"{of.value / of.usual:.1f} ×"


def _per(of: Explanation) -> str:
    if of.side is Side.DRIFT:
        return " a day"
    if of.side is Side.LOW:
        return " calls since"
    return f" in {_span(of.buckets * of.bucket_s)}" if of.metric in _SUMS else ""


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < _MOST_SECONDS else f"{seconds / 60:g} min"


def _shown(metric: Metric) -> Callable[[float], str]:
    if metric is Metric.COST:
        return lambda value: f"{value:,.4f} USD" if value < 1 else f"{value:,.2f} USD"
    if metric is Metric.PRICE:
        return lambda value: f"{value * 1e6:,.2f} USD per million"
    if metric in (Metric.ERRORS, Metric.FINDINGS):
        return lambda value: f"{value:.1%}"
    if metric in (Metric.LATENCY, Metric.TTFT):
        return lambda value: f"{value:,.0f} ms"
    return lambda value: f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
