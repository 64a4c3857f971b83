"""Who makes up what a tenant has too much of."""

from collections.abc import Mapping

from midwatch_anomaly.bucket import WHOLE, Part
from midwatch_anomaly.change import Contributor, Metric, Scope
from midwatch_anomaly.metrics_watched import RATIOS, SUMS

_FIELDS = {item.metric: item.field for item in SUMS} | {item.metric: item.above for item in RATIOS}
# Of agents, keys and models each.
_MOST = 2
_LEAST_SHARE = 0.1


def contributors_of(parts: Mapping[Part, list[float]], metric: Metric) -> tuple[Contributor, ...]:
    """The agents, keys and models with the largest shares of a bucket's sum, largest first in each kind.

    Of a ratio it is the sum above the line: of errors, who had them; of a mean time, whose time it was.
    """
    field = _FIELDS[metric]
    total = parts[WHOLE][field] if WHOLE in parts else 0.0
    if total <= 0:
        return ()
    found = [
        Contributor(scope=scope, name=name, share=sums[field] / total)
        for (scope, name), sums in parts.items()
        if scope is not Scope.TENANT and sums[field] >= _LEAST_SHARE * total
    ]
    found.sort(key=lambda item: -item.share)
    kinds = ([item for item in found if item.scope is scope][:_MOST] for scope in (Scope.AGENT, Scope.KEY, Scope.MODEL))
    return tuple(item for kind in kinds for item in kind)
