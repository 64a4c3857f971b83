"""The models that metrics name: anybody can ask for a model that is none, so a name is earned by an answer."""

from midwatch_core.metrics import OTHER
from midwatch_core.model.exchange import Exchange

NONE = "(none)"
"""The label of calls that are about no model."""
_MOST = 200
_FAILED = 400


class ModelLabels:
    """Remembers the first 200 models that a provider answered for; all others have the label `other` between them."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._known: set[tuple[str, str]] = set()

    def label(self, exchange: Exchange) -> str:
        """What this exchange's model is called in metrics."""
        if exchange.model is None:
            return NONE
        key = (exchange.endpoint.provider, exchange.model)
        if key in self._known:
            return exchange.model
        if len(self._known) >= self._most or not _answered(exchange):
            return OTHER
        self._known.add(key)
        return exchange.model


def _answered(exchange: Exchange) -> bool:
    response = exchange.response
    return exchange.status is not None and exchange.status < _FAILED and response is not None and response.error is None
