"""The rounds: what is stored comes in, buckets are judged as they end, and alerts go to the desk. In control alone.

Where the cache is this process's own, its watcher sees all there is. Where nodes share one, each adds to its sums, and
whoever has the lease watches for all; what it knows is kept in the cache, so that the next one goes on.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched

from midwatch_anomaly.bucket import Bucket
from midwatch_anomaly.change import Change
from midwatch_anomaly.keeping import CacheKeeper, FileKeeper, Keeper
from midwatch_anomaly.measuring import measured
from midwatch_anomaly.metrics_watched import clean
from midwatch_anomaly.seen_names import SeenNames
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.sharing import Sharing, plain
from midwatch_anomaly.telling import Telling
from midwatch_anomaly.watching import UNWATCHED, Watcher
from midwatch_core import Exchange, Host, ImmediateMeters, Json, StorageError

logger = logging.getLogger(__name__)

FOLDER = "anomaly"
_ROUND_S = 5.0
# What is known is kept so often; a crash costs what was learned since.
_KEEP_S = 300.0
# Nodes have so long to bring the last of a bucket.
_GRACE_S = 10.0
# Calls that ended so long before they are stored are of an outage, or were told by somebody: not of now.
_LATE = timedelta(seconds=120)
_MOST_MS = 86_400_000.0
# Every so many rounds the open bucket is looked at too.
_EARLY = 3
# Tenants whose sums are taken over without a pause.
_AT_ONCE = 200


class Rounds:
    """One watch, from `start` to `close`. `let_go` is told of tenants that are forgotten, here or on another node."""

    def __init__(self, host: Host, settings: Settings, *, let_go: Callable[[str], None] | None = None) -> None:
        self._host = host
        self._telling = Telling(host)
        self._let_go = let_go
        self._at_work = asyncio.Lock()  # a round, or forgetting: each takes several turns of the loop
        self._settings = settings
        self._wanted = settings
        self._watcher = Watcher(settings)
        self._names = SeenNames(host.home / FOLDER, settings.newness)
        self._sharing = self._shared(settings)
        self._task: asyncio.Task[None] | None = None
        self._gone: set[str] = set()  # forgotten on another node, and not in this home yet
        self._leads = self._sharing is None
        self._kept_s = host.clock.monotonic()
        self._blind_until_s = 0.0
        self._next = 0  # the bucket to be read next, where nodes share
        self._trouble = ""
        self._rounds = 0

    @property
    def holder(self) -> str:
        """This node's name in the lease; empty where it is alone."""
        return "" if self._sharing is None else self._sharing.holder

    @property
    def facts(self) -> dict[str, Json]:
        """How the watch stands, for `/readyz`."""
        watcher = self._watcher
        facts: dict[str, Json] = {
            "judges": self._leads and self._task is not None and not self._task.done(),
            "series": watcher.count,
            "running": len(watcher.running()),
        }
        return facts | ({"problem": self._trouble} if self._trouble else {})

    async def start(self) -> None:
        """Learn what is kept, and begin."""
        await asyncio.to_thread(self._names.load)
        if self._sharing is None:
            await self._keeper().load(self._watcher)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, and keep what is known."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with self._at_work:
                await self._end()
        except (OSError, StorageError) as error:
            logger.error("anomaly: what is usual can't be kept: %s", error)

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Measure calls that have been stored."""
        now = self._host.clock.now()
        self._telling.raise_alerts(self._names.take(exchanges, now))
        fresh = [item for item in exchanges if now - _ended(item) <= _LATE]
        self._telling.count_late(len(exchanges) - len(fresh))
        measurements = [measured(item) for item in fresh]
        if self._sharing is None:
            self._watcher.take(now.timestamp(), measurements)
        else:
            self._sharing.bucket(self._number(now.timestamp())).take(measurements)

    def follow(self, settings: Settings) -> None:
        """Go by other settings from the next round on."""
        self._wanted = settings

    async def forget(self, tenant: str) -> None:
        """Know nothing of a tenant, here, in the home and in the cache; other nodes do the same within a round.

        Raises OSError, StorageError; then it is forgotten here, and something is left elsewhere.
        """
        async with self._at_work:
            self._drop(tenant)
            if self._sharing is not None:
                await self._sharing.tell_forgotten(tenant)
            await self._erase(tenant)

    async def once(self) -> None:
        """One round. Raises nothing that a store or a disk may do: that is said, and the next round tries again."""
        async with self._at_work:
            await self._round()

    async def _round(self) -> None:
        now_s = self._host.clock.now().timestamp()
        self._look(now_s)
        try:
            if self._wanted is not self._settings:
                await self._renew(self._wanted)
            if self._sharing is None:
                await self._close(now_s)
                if self._is_early():
                    await self._peek(now_s)
            else:
                await self._together(self._sharing, now_s)
            self._telling.count(self._watcher)
            await self._keep()
            await self._erase_gone()
        except (OSError, StorageError) as error:
            if not self._trouble:
                logger.warning("anomaly: the watch waits: %s", error)
            self._trouble = str(error)
            self._leads = self._sharing is None  # where nodes share, another may have judged meanwhile
        else:
            self._trouble = ""

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_ROUND_S)
            await self.once()

    async def _renew(self, settings: Settings) -> None:
        """Raises StorageError; then the next round tries again."""
        if settings.bucket_s != self._settings.bucket_s:
            logger.warning("anomaly: buckets have %d s now: what is usual is learned anew", settings.bucket_s)
            if self._sharing is not None:
                await self._sharing.flush()
                await self._sharing.leave()
            self._watcher, self._sharing = Watcher(settings), self._shared(settings)
            self._leads = self._sharing is None
        self._settings = settings
        self._watcher.follow(settings)
        self._names.follow(settings.newness)
        if self._sharing is not None:
            self._sharing.follow(settings.most_names)

    def _look(self, now_s: float) -> None:
        """While the store is away nothing is stored, and nobody's calls have stopped."""
        health = self._host.health
        if health is not None and health().parts.get("store") not in (None, "available"):
            self._blind_until_s = now_s + 2 * self._settings.bucket_s

    async def _close(self, until_s: float) -> None:
        """Judge what is over by then, and let others work in between."""
        blind = self._host.clock.now().timestamp() < self._blind_until_s
        await self._tell_each(self._watcher.steps(until_s, blind=blind))

    async def _peek(self, now_s: float, bucket: Bucket | None = None) -> None:
        await self._tell_each(self._watcher.early_steps(now_s, bucket))

    async def _tell_each(self, steps: Iterable[Sequence[Change]]) -> None:
        for changes in steps:
            self._telling.tell(changes)
            await asyncio.sleep(0)

    async def _together(self, sharing: Sharing, now_s: float) -> None:
        self._gone.update(await sharing.forgotten())
        for tenant in self._gone:
            self._drop(tenant)
        await sharing.flush()
        leads = await sharing.lead()
        if leads is not self._leads:
            self._watcher = Watcher(self._settings)
        if leads and not self._leads:
            await self._take_over(now_s)
        self._leads = leads
        if not leads:
            return
        current = self._number(now_s - _GRACE_S)
        for number in range(max(self._next, current - UNWATCHED), current):
            for some in batched((await sharing.read(number)).tenants.items(), _AT_ONCE):
                self._watcher.take_tenants(number, some)
                await asyncio.sleep(0)
            await self._close((number + 1) * self._settings.bucket_s)
        self._next = current
        await self._close(current * self._settings.bucket_s)
        if self._is_early():
            await self._peek(now_s, await sharing.read(self._number(now_s)))

    def _is_early(self) -> bool:
        self._rounds += 1
        return self._rounds % _EARLY == 0

    async def _take_over(self, now_s: float) -> None:
        """Whoever judged before has kept what it knew; the bucket that is open is the first of ours."""
        self._next = self._number(now_s - _GRACE_S)
        await self._keeper().load(self._watcher)
        logger.info("anomaly: this node judges, and knows %d tenants", len(self._watcher.tenants()))

    def _drop(self, tenant: str) -> None:
        self._names.forget(tenant)
        if self._sharing is not None:
            self._sharing.forget(tenant)
        self._watcher.forget(self._known_as(tenant))
        if self._let_go is not None:
            self._let_go(tenant)

    async def _erase(self, tenant: str) -> None:
        """In the home too where nodes share: it may have been alone before."""
        await self._names.save()
        await asyncio.to_thread(self._names.drop_bad)
        await FileKeeper(self._host.home / FOLDER).forget(tenant)
        if self._sharing is not None:
            await self._keeper().forget(self._known_as(tenant))
            await self._sharing.erase(tenant, self._number(self._host.clock.now().timestamp()))

    async def _erase_gone(self) -> None:
        """What other nodes forgot. Who took over in this round may have learned it again from the cache."""
        for tenant in tuple(self._gone):
            self._drop(tenant)
            await self._erase(tenant)
            self._gone.discard(tenant)

    def _known_as(self, tenant: str) -> str:
        return tenant if self._sharing is None else plain(tenant)

    async def _keep(self) -> None:
        now_s = self._host.clock.monotonic()
        if now_s - self._kept_s >= _KEEP_S:
            self._kept_s = now_s
            await self._save()

    async def _end(self) -> None:
        if self._sharing is not None:
            await self._sharing.flush()
        await self._save()
        if self._leads and self._sharing is not None:
            await self._sharing.leave()

    async def _save(self) -> None:
        await self._names.save()
        if self._leads:
            await self._keeper().save(self._watcher)

    def _shared(self, settings: Settings) -> Sharing | None:
        cache = self._host.cache
        if cache is None or isinstance(cache, ImmediateMeters):
            return None
        return Sharing(cache, bucket_s=settings.bucket_s, most_names=settings.most_names)

    def _keeper(self) -> Keeper:
        if self._sharing is None or self._host.cache is None:
            return FileKeeper(self._host.home / FOLDER)
        return CacheKeeper(self._host.cache, ttl_s=self._settings.forget_days * 86_400)

    def _number(self, now_s: float) -> int:
        return int(now_s // self._settings.bucket_s)


def _ended(exchange: Exchange) -> datetime:
    took_ms = clean(exchange.timing.duration_ms or 0.0)
    return exchange.started_at + timedelta(milliseconds=min(took_ms, _MOST_MS))
