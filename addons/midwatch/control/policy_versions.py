"""Versions of policies: what was in use, from when, and where it came from; kept whenever its text is another."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from midwatch.published_file import PUBLISHED
from midwatch.settings import policy_is_shipped
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.hosting import Plugins
from midwatch_core.model.document import PolicyVersion
from midwatch_core.policy import Policy
from midwatch_core.ports import MetadataRepository

logger = logging.getLogger(__name__)

# Policies that wait while the store is away.
_WAITING = 100
_RETRY_S = 5.0
# Versions in one answer: unless asked otherwise, and at most.
_PAGE = 100
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _InUse:
    """A policy that came into use at a moment."""

    name: str
    text: str
    author: str
    at: datetime


class PolicyVersions:
    """Takes each policy that comes into use, and keeps what is new whenever the store takes it: no reload waits."""

    def __init__(self, metadata: MetadataRepository, plugins: Plugins, clock: Clock) -> None:
        self._metadata = metadata
        self._plugins = plugins
        self._clock = clock
        self._waiting: deque[_InUse] = deque(maxlen=_WAITING)
        self._news = asyncio.Event()
        self._current = ""

    def note(self, policy: Policy) -> None:
        """This policy is in use from now on. One that was published is kept already, but in a store of its own."""
        self._current = policy.id
        self._waiting.append(
            _InUse(name=policy.id, text=policy.text, author=self._author(policy.name), at=self._clock.now())
        )
        self._news.set()

    def _author(self, name: str) -> str:
        if name == PUBLISHED:
            return PUBLISHED
        return "shipped" if policy_is_shipped(self._plugins, name) else "file"

    async def run(self) -> None:
        """Keep for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._keep(self._waiting.popleft())

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Versions, newest first (see `policy_versions`)."""
        return await policy_versions(self._metadata, message, in_use=self._current)

    async def _keep(self, policy: _InUse) -> None:
        """See one into the store, however long that is away. What it refuses is logged, and in use all the same."""
        told = False
        while True:
            try:
                await self._keep_if_new(policy)
            except StorageUnavailableError as error:
                if not told:
                    logger.error("policy %s waits to be kept: %s", policy.name, error)
                told = True
                await asyncio.sleep(_RETRY_S)
            except StorageError as error:
                logger.error("policy %s could not be kept: %s", policy.name, error)
                return
            else:
                return

    async def _keep_if_new(self, policy: _InUse) -> None:
        newest = await self._metadata.policy_versions(policy.name, limit=1)
        if not newest or newest[0].text != policy.text:
            await self._metadata.keep_policy(policy.name, policy.text, author=policy.author, at=policy.at)


async def policy_versions(metadata: MetadataRepository, message: Mapping[str, Any], *, in_use: str) -> dict[str, Any]:
    """The versions of the policy a message names by its id, else of the one `in_use`: `rows`; or an `error`."""
    try:
        name, limit = str(message.get("name") or in_use), message.get("limit")
        versions = await metadata.policy_versions(name, limit=_PAGE if limit is None else min(int(limit), _MOST))
    except (StorageError, ValueError, TypeError, OverflowError) as error:
        return {"error": str(error)}
    return {"rows": [version_row(version) for version in versions]}


def version_row(version: PolicyVersion) -> dict[str, Any]:
    """A version as JSON values, with its text."""
    return {
        "name": version.name,
        "version": version.version,
        "author": version.author,
        "created_at": version.created_at.isoformat(),
        "text": version.text,
    }
