"""What calls spent of budgets while the shared cache could not count it: counted there when it answers again."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from midwatch_core.errors import StorageError
from midwatch_core.governing.asking import CounterId, counter_id
from midwatch_core.metering import MOST, Demand
from midwatch_core.ports import CacheLayer

# What is added stays when its ticket's time is over: nothing is left to settle.
_HOLD_S = 1.0
# Tenants, keys and agents times budgets.
_MOST_OWED = 4096


class Amends:
    """What one worker owes to one cache.

    A value of its own there tells whether the cache still has what it had: one that lost all begins its budgets with
    what is stored, and what was owed before is in that. `marked` is whether that value was seen to be there.
    """

    def __init__(self, cache: CacheLayer) -> None:
        self.marked = False
        self._cache = cache
        self._mark = f"midwatch-counters-{uuid4().hex}"
        self._owed: dict[CounterId, Demand] = {}

    def __len__(self) -> int:
        """Of how many counters something is owed."""
        return len(self._owed)

    def owe(self, demands: Iterable[Demand]) -> None:
        """Note what could not be counted. Beyond the most that is remembered, new counters are left out."""
        for demand in demands:
            of = counter_id(demand)
            before = self._owed.get(of)
            if before is not None:
                self._owed[of] = replace(before, amount=min(before.amount + demand.amount, MOST))
            elif len(self._owed) < _MOST_OWED:
                self._owed[of] = demand

    async def add(self, demands: Iterable[Demand]) -> None:
        """Count now what a call spent that has just ended. A budget that is not begun will begin with it.

        Raises StorageError, and what was not counted is owed.
        """
        left = list(demands)
        try:
            while left:
                ticket = f"{left[0].name}:{uuid4().hex}"
                await self._cache.admit(ticket, [replace(left[0], hard=False)], hold_s=_HOLD_S)
                left.pop(0)
        except StorageError:
            self.owe(left)
            raise

    async def make(self) -> None:
        """The cache answers again: count all that is owed, or forget it where the cache lost all it had.

        Raises StorageError, and what was not counted stays owed.
        """
        if await self._cache.get(self._mark) is None:
            self._owed.clear()
            await self._cache.set(self._mark, b"")
        self.marked = True
        owed, self._owed = self._owed, {}
        await self.add(owed.values())
