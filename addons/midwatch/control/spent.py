"""Answers what a budget's counter begins with: what its calls of this period cost, by the record; workers ask."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch_core.errors import StorageError
from midwatch_core.governing.money import nano_of
from midwatch_core.governing.rates import Rates
from midwatch_core.governing.rules import CallKeys, model_key
from midwatch_core.governing.seeding import BudgetSeed, seed_from_json
from midwatch_core.governing.settings import BudgetRule, Per
from midwatch_core.listing import ExchangeRow
from midwatch_core.metering import MOST
from midwatch_core.model.changing import changed
from midwatch_core.model.cost import CostBasis
from midwatch_core.ports import CostRow, ExchangeFilter, Scope, TraceRepository

logger = logging.getLogger(__name__)

# What was journalled is waited for: a budget that began without it would be passed by it. But a call waits meanwhile.
_CATCH_UP_S = 5.0
# Of a group of calls with and without a price, so many are looked at one by one.
_PAGE = 1000
_PAGES = 20
# What is billed, and what a subscription paid for.
_BASIS = "cost_basis"
_GROUP_OF = {"key": "key_id", "agent": "agent", "user": "user", "app": "app", "model": "model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Sums over the record. `caught_up` waits until all that was journalled is stored, at most so many seconds."""

    traces: TraceRepository
    caught_up: Callable[[float], Awaitable[bool]]

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """`nano_usd` in nano-dollars, and whether all calls that have ended were in the record; or an `error`."""
        try:
            seed = seed_from_json(question)
            caught_up = await self.caught_up(_CATCH_UP_S)
            return {"nano_usd": await self.nano(seed), "caught_up": caught_up}
        except KeyError as error:
            return {"error": f"the question has no {error}"}
        except (StorageError, ValueError, TypeError, AttributeError) as error:
            return {"error": str(error)}

    async def nano(self, seed: BudgetSeed) -> int:
        """What the calls that a budget concerns have cost since its period began. Raises StorageError."""
        # A price is known or not by model: summed apart, few calls have to be looked at one by one.
        by = list(dict.fromkeys(["provider", "model", *grouping_of(seed.rule, (name for name, _ in seed.values))]))
        scope = Scope(tenants=frozenset({seed.tenant}))
        wanted = _filter(seed)
        total = 0
        for row in await self.traces.costs(scope, wanted, by=by):
            group = dict(zip(by, row.group, strict=True))
            if seed.concerns(keys_of_group(seed.tenant, group)):
                total += nano_of(row.cost_usd) + await self._unpriced(seed, scope, wanted, group, row)
        return min(total, MOST)

    async def _unpriced(
        self,
        seed: BudgetSeed,
        scope: Scope,
        wanted: ExchangeFilter,
        group: Mapping[str, str | None],
        row: CostRow,
    ) -> int:
        """What the calls without a known price are taken to cost, by their tokens."""
        rates = assumed_rates(seed.rule)
        if not row.unpriced or not (row.input_tokens or row.output_tokens):
            return 0
        if row.unpriced == row.calls:
            return rates.nano(row.input_tokens, row.output_tokens)
        return rates.nano(await self._unpriced_tokens(seed, scope, wanted, group, row.unpriced), 0)

    async def _unpriced_tokens(
        self,
        seed: BudgetSeed,
        scope: Scope,
        wanted: ExchangeFilter,
        group: Mapping[str, str | None],
        unpriced: int,
    ) -> int:
        """The tokens of the calls without a price among those with one: calls that failed have none."""
        exact = {key: value for key, value in group.items() if value is not None and key != _BASIS}
        narrowed = changed(wanted, **exact)
        tokens, cursor, left = 0, None, unpriced
        for _ in range(_PAGES):
            page = await self.traces.list(scope, narrowed, limit=_PAGE, cursor=cursor)
            found = [row for row in page.rows if row.cost_usd is None and _is_of(row, group)]
            tokens += sum((row.input_tokens or 0) + (row.output_tokens or 0) for row in found)
            left, cursor = left - len(found), page.cursor
            if cursor is None or left <= 0:
                return tokens
        logger.warning("budget %s: %d calls without a price were not looked at", seed.rule.id, left)
        return tokens


def grouping_of(rule: BudgetRule, names: Iterable[Per]) -> Sequence[str]:
    """By what the record has to be summed to tell which of it a budget concerns; `names` divide its counters."""
    filters = {"model": rule.models, "agent": rule.agents, "provider": rule.providers}
    wanted = [key for key, only in filters.items() if only] + [_GROUP_OF[name] for name in names]
    return list(dict.fromkeys([_BASIS, *wanted]))


def _filter(seed: BudgetSeed) -> ExchangeFilter:
    """The record's own filters as far as they go: a model may be written in many ways, and no value can't be asked."""
    exact = {_GROUP_OF[name]: value for name, value in seed.values if value is not None and name != "model"}
    return changed(ExchangeFilter(since=seed.since, tenant=seed.tenant), **exact)


def _is_of(row: ExchangeRow, group: Mapping[str, str | None]) -> bool:
    """Whether a row is of a group, also of one whose value is none: a filter can't ask for that."""
    return all(getattr(row, key) == value for key, value in group.items())


def assumed_rates(rule: BudgetRule) -> Rates:
    """What tokens without a known price are taken to cost."""
    assumed = nano_of(rule.assumed_usd_per_million_tokens)
    return Rates(assumed, assumed)


def keys_of_group(tenant: str, group: Mapping[str, str | None]) -> CallKeys:
    """The keys of the calls of a group of `grouping_of`."""
    return CallKeys(
        tenant=tenant,
        key=group.get("key_id"),
        agent=group.get("agent"),
        user=group.get("user"),
        app=group.get("app"),
        model=model_key(group.get("model")),
        provider=group.get("provider") or "",
        subscription=group.get(_BASIS) == CostBasis.API_EQUIVALENT,
    )
