"""Leases: of nodes that share a cache, one tells a channel of a trouble."""

import asyncio
import logging
from collections.abc import Sequence
from hashlib import sha256

import orjson

from midwatch_alerts.entry import Entry, Stage
from midwatch_core import CacheLayer, StorageError

logger = logging.getLogger(__name__)

# A cache that is away must not keep alerts back.
_MOST_S = 3.0


class Leases:
    """A lease for each trouble, channel and severity, so that a mild one never keeps a grave one back."""

    def __init__(self, cache: CacheLayer | None, node: str) -> None:
        self._cache = cache
        self._node = node

    async def ours(self, entries: Sequence[Entry], *, cooldown_s: float) -> list[Entry]:
        """The entries that this node tells; all, where the cache can't say: better twice than never."""
        if self._cache is None or cooldown_s <= 0:
            return list(entries)
        told: list[Entry] = []
        try:
            async with asyncio.timeout(_MOST_S):
                for entry in entries:
                    if entry.key[0] is not Stage.OPENING or await self._takes(self._cache, entry, cooldown_s):
                        told.append(entry)
                return told
        except (StorageError, TimeoutError) as error:
            logger.warning("alerts: the cache can't say who tells (%s): this node does", error or "no answer")
            return list(entries)

    async def _takes(self, cache: CacheLayer, entry: Entry, cooldown_s: float) -> bool:
        trouble = entry.trouble
        what = [trouble.channel, trouble.tenant, trouble.fingerprint, entry.incident.severity]
        return await cache.lease(f"alerts:told:{sha256(orjson.dumps(what)).hexdigest()}", self._node, cooldown_s)
