"""What a worker asks control when a budget's counter begins: how much was spent before; the other side is `spent`."""

import logging

from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.metering import MOST
from midwatch_core.metrics import Metrics

logger = logging.getLogger(__name__)

# A call waits for the answer, and control for what is journalled and not stored yet.
_TIMEOUT_S = 10.0


class Spending:
    """Asks control; where that is away, a budget begins at zero, which is counted and logged."""

    def __init__(self, client: LineClient, metrics: Metrics, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._client = client
        self._metrics = metrics
        self._timeout_s = timeout_s

    async def __call__(self, seed: BudgetSeed) -> int:
        """Nano-dollars that were spent since the period began. Raises nothing."""
        question = {"op": "spent", **seed.as_json()}
        try:
            answer = await self._client.ask(question, timeout_s=self._timeout_s)
            amount = _amount(answer)
            if not answer.get("caught_up", True):
                logger.warning(
                    "budget %s begins without the calls that are journalled and not stored yet", seed.rule.id
                )
            return amount
        except (ControlAbsentError, ValueError) as error:
            self._metrics.add("midwatch_budget_unknown_total", labels=(seed.rule.id,))
            logger.error("budget %s begins at zero, for what was spent is unknown: %s", seed.rule.id, error)
            return 0


def _amount(answer: object) -> int:
    """The amount of an answer. Raises ValueError where there is none."""
    if not isinstance(answer, dict):
        raise ValueError("control's answer is none")
    nano = answer.get("nano_usd")
    if not isinstance(nano, int) or nano < 0:
        raise ValueError(str(answer.get("error") or "control's answer has no amount"))
    return min(nano, MOST)
