"""A model as REST gives it."""

from collections.abc import Mapping, Sequence

from midwatch_core import Json
from midwatch_web.models.histogram import Histogram
from midwatch_web.models.model import Model

# Every count is there, whether anything was counted or not.
OUTCOMES = ("answered", "capped", "busy", "late", "failed")
AGREEMENT = ("both", "only_shadow", "only_acting", "neither")


def row_of(model: Model) -> dict[str, Json]:
    """One JSON object a model. Times are milliseconds."""
    return {
        "name": model.name,
        "plugin": model.plugin or None,
        "backend": model.backend or None,
        "revision": model.revision or None,
        "checksum": model.checksum or None,
        "shadow": model.shadow,
        "threshold": model.threshold,
        "state": model.state,
        "processes": dict(model.states),
        "problem": model.problem or None,
        "texts": _counts(model.texts, OUTCOMES),
        "restarts": dict(model.restarts),
        "text_ms": _summary(model.text_s, 1000),
        "queue_ms": _summary(model.queue_s, 1000),
        "batch_texts": _summary(model.batch_texts, 1),
        "waiting": model.waiting,
        "resident_bytes": model.resident_bytes,
        "scores": _scores(model),
        "drift": {"psi": model.drift, "verdict": model.verdict or None},
        "agreement": _counts(model.agreement, AGREEMENT) if model.agreement else None,
    }


def _counts(counts: Mapping[str, int], names: Sequence[str]) -> Json:
    return {name: counts.get(name, 0) for name in names}


def _summary(histogram: Histogram | None, factor: float) -> Json:
    """How many, their mean, and the quantiles; None where nothing was observed."""
    if histogram is None or histogram.mean is None:
        return None
    told = {"mean": histogram.mean, "p50": histogram.quantile(0.5), "p95": histogram.quantile(0.95)}
    numbers = {name: round(value * factor, 3) for name, value in told.items() if value is not None}
    return {"count": histogram.count, **numbers}


def _scores(model: Model) -> Json:
    """Counts by the upper bounds of their classes; `expected` are shares in classes of one width, of any number."""
    if model.scores is None or not model.scores.count:
        return None
    counts: list[Json] = [int(count) for count in model.scores.counts]
    return {"bounds": list(model.scores.bounds), "counts": counts, "expected": list(model.expected)}
