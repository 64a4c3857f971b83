"""The plugin: prices at start, the user's table beside them, both read again when the table changes."""

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from midwatch_core import (
    ConfigError,
    Cost,
    Exchange,
    Host,
    MetricKind,
    Metrics,
    MetricSpec,
    ProviderSpec,
    Role,
    Section,
    hookimpl,
)
from midwatch_pricing.overrides import Overrides, read_overrides
from midwatch_pricing.price_list import PriceList, load_price_list
from midwatch_pricing.pricer import Pricer, calls_no_model
from midwatch_pricing.provider_ids import listed_id

_PRICED = "midwatch_priced_total"
_UNPRICED = "midwatch_unpriced_total"
_ENTRIES = "midwatch_price_overrides"
# Names of models come from clients.
_MAX_LABEL = 100


class Pricing:
    """Costs by published prices (genai-prices) and by a table of the user's own."""

    class Config(Section):
        """The section `pricing`."""

        overrides: Path | None = Field(
            None,
            description="YAML file of your own prices; `prices.yaml` in the home, if it is there and none is given.",
        )

    def __init__(self, config: Config | None = None) -> None:
        self._file = (config or self.Config()).overrides
        self._pricer: Pricer | None = None
        self._metrics: Metrics | None = None

    @hookimpl(trylast=True)
    def price(self, exchange: Exchange) -> Cost:
        """What an exchange cost, or why that is unknown."""
        cost = self._ready().price(exchange)
        if self._metrics is not None and not calls_no_model(exchange):
            if cost.reason is None:
                self._metrics.add(_PRICED, 1, (exchange.endpoint.provider,))
            else:
                self._metrics.add(_UNPRICED, 1, (exchange.endpoint.provider, (exchange.model or "")[:_MAX_LABEL]))
        return cost

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """How many calls got a price, which did not, and how many entries the user's table has."""
        return [
            MetricSpec(name=_PRICED, kind=MetricKind.COUNTER, help="Calls with a known cost", labels=("provider",)),
            MetricSpec(
                name=_UNPRICED,
                kind=MetricKind.COUNTER,
                help="Calls whose cost is unknown",
                labels=("provider", "model"),
            ),
            MetricSpec(name=_ENTRIES, kind=MetricKind.GAUGE, help="Entries of the user's price table"),
        ]

    @hookimpl
    def startup(self, host: Host) -> None:
        """Load prices where calls are priced, so that the first one does not wait for them. Raises ConfigError."""
        if host.role is Role.CONTROL and _PRICED in host.metrics.specs:
            self._metrics = host.metrics
        if host.role in (Role.CONTROL, Role.WORKER):
            self.reload(host)

    @hookimpl
    def watched(self, host: Host) -> list[Path]:
        """The user's table."""
        return [self._table(host)]

    @hookimpl
    def reload(self, host: Host) -> None:
        """Read the user's table again. Raises ConfigError on a bad one, and the last good one stays."""
        if not _prices(host):
            return
        pricer = self._ready()
        file = self._table(host)
        overrides = read_overrides(file) if self._file is not None or file.exists() else Overrides()
        _check_likes(overrides, file, pricer.prices)
        likes = _likes_of_providers(host, pricer.prices)
        self._pricer = replace(pricer, overrides=overrides, likes=likes, _cards={}, _listed={})
        if self._metrics is not None:
            self._metrics.set(_ENTRIES, len(overrides.entries))

    def _ready(self) -> Pricer:
        if self._pricer is None:
            self._pricer = Pricer(load_price_list())
        return self._pricer

    def _table(self, host: Host) -> Path:
        return host.home / (self._file.expanduser() if self._file else "prices.yaml")


def _prices(host: Host) -> bool:
    """Whether calls are priced here: in a worker only where a limit or a budget is about money."""
    if host.role is not Role.WORKER:
        return True
    rules = [host.settings.get(key) for key in ("limits", "budgets")]
    return any(getattr(rule, "usd", None) is not None for some in rules if isinstance(some, tuple) for rule in some)


def _likes_of_providers(host: Host, prices: PriceList) -> dict[str, str]:
    """What `priced_like` says of the user's own providers. Raises ConfigError for a list that is not there."""
    providers = host.settings.get("providers")
    likes = {}
    for spec in providers if isinstance(providers, tuple) else ():
        if isinstance(spec, ProviderSpec) and spec.priced_like is not None:
            likes[spec.name] = spec.priced_like
            _check_listed(spec.priced_like, f"providers: {spec.name}: priced_like", prices)
    return likes


def _check_likes(overrides: Overrides, file: Path, prices: PriceList) -> None:
    for like in overrides.likes():
        _check_listed(like, f"{file}: like", prices)


def _check_listed(name: str, key: str, prices: PriceList) -> None:
    if listed_id(name, prices.provider_ids) is None:
        known = ", ".join(sorted(prices.provider_ids))
        raise ConfigError(f"{key}: no published prices for {name!r}; there are those of {known}")
