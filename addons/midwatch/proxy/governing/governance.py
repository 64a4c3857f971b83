"""The limits and budgets of a worker, put together from its settings and read anew with them."""

from collections.abc import Callable

from midwatch.proxy.governing.flows import Governing
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.governing.counting import Counting, Spent
from midwatch_core.governing.crossings import Crossing, Crossings
from midwatch_core.governing.governor import Governor
from midwatch_core.governing.rates import RateBook
from midwatch_core.governing.rules import Rules
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import CacheLayer


def _tell_nobody(crossing: Crossing) -> None:
    pass


class Governance:
    """Makes the worker's `Governing`. Raises ConfigError for rules that can't be.

    `cache` is shared or not; `own` is of this process alone (`memory://`), for while the other is away. `tell` hears
    of budgets that reach half, four fifths and all of what they allow. `numbers.GOVERNING` must have been declared.
    """

    def __init__(
        self,
        config: Config,
        *,
        cache: CacheLayer,
        own: CacheLayer,
        plugins: Plugins,
        spending: Spent,
        clock: Clock,
        metrics: Metrics,
        tell: Callable[[Crossing], None] = _tell_nobody,
    ) -> None:
        self._own = own
        self._metrics = metrics
        self._plugins = plugins
        self._tell = tell
        self._counting = Counting(
            cache,
            fallback=own,
            spent=spending,
            clock=clock,
            hold_s=config.governance.hold_s,
            fell_back=lambda: metrics.add("midwatch_limits_fallback_total"),
            lost=lambda: metrics.add("midwatch_limits_unsettled_total"),
        )
        governor = Governor(
            Rules((), ()),
            assumed_output_tokens=config.governance.assumed_output_tokens,
            counting=self._counting,
            book=RateBook(self._price),
            clock=clock,
            crossings=Crossings(self._crossed),
        )
        self.governing = Governing(governor, refuses=False, clock=clock, guard=plugins.guard, metrics=metrics)
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Take settings that were read anew, and prices. Raises ConfigError, and the last good rules stay."""
        rules, settings = Rules(config.limits, config.budgets), config.governance
        governor = self.governing.governor
        governor.rules = rules
        governor.assumed_output_tokens = settings.assumed_output_tokens
        governor.book.forget()
        self._counting.hold_s = settings.hold_s
        self.governing.refuses = settings.when_unavailable == "refuse"
        self._counting.fallback = None if self.governing.refuses else self._own

    def _price(self, exchange: Exchange) -> Cost | None:
        outcome = self._plugins.call_first("price", exchange=exchange)
        return outcome.value if outcome is not None and isinstance(outcome.value, Cost) else None

    def _crossed(self, crossing: Crossing) -> None:
        self._metrics.add("midwatch_budget_crossed_total", labels=(crossing.rule.id, str(crossing.percent)))
        self._tell(crossing)
