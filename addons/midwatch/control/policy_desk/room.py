"""The room of policies in the control process: versions, the desk, and what other nodes publish."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from midwatch.control.policy_desk.desk import Desk
from midwatch.control.policy_desk.messages import OPERATIONS as CHANGES
from midwatch.control.policy_desk.messages import changed_policy
from midwatch.control.policy_desk.publishing import Publishing
from midwatch.control.policy_versions import PolicyVersions
from midwatch.published_file import PUBLISHED
from midwatch.settings import Settings, policy_is_shipped
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.policy import Policy
from midwatch_core.policy_desk import PolicyDeskError
from midwatch_core.ports import MetadataRepository
from midwatch_core.queries import Queries

logger = logging.getLogger(__name__)
_LOOK_S = 2.0

OPERATIONS = CHANGES | {"policy_versions"}
"""What `PolicyRoom.answer` answers: the values of a message's `op`."""


class PolicyRoom:
    """All of policies that control has, in one place.

    `in_use` gives the policy that control goes by; `reload` is awaited when all processes are to read theirs again.
    """

    def __init__(
        self,
        settings: Settings,
        metadata: MetadataRepository,
        queries: Queries,
        clock: Clock,
        *,
        in_use: Callable[[], Policy],
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._plugins = settings.plugins
        self._named = settings.config.policy
        self._said = ""
        self._told: tuple[str, str] | None = None
        self.versions = PolicyVersions(metadata, settings.plugins, clock)
        self.publishing = Publishing(
            settings.home, metadata, clock, read_only=self.read_only, changed=reload, in_use=in_use
        )
        self.desk = Desk(
            home=settings.home,
            plugins=settings.plugins,
            publishing=self.publishing,
            metadata=metadata,
            queries=queries,
            clock=clock,
            in_use=in_use,
        )
        self.take(settings.config, in_use())

    def take(self, config: Config, policy: Policy) -> None:
        """This configuration and this policy are in force from now on; packs may be new too."""
        if policy.name == PUBLISHED:
            self._say_published(config.policy, policy.id)
        self._named = config.policy
        self.versions.note(policy)
        self.desk.forget()

    def _say_published(self, named: str, in_use: str) -> None:
        """Whoever gave `--policy` must not believe that it holds."""
        if (named, in_use) != self._told:
            logger.warning("the published policy %s is in use, not %s of the configuration", in_use, named)
        self._told = named, in_use

    def read_only(self) -> str | None:
        """Why no policy may be published here; None where one may."""
        return read_only(self._named, shipped=policy_is_shipped(self._plugins, self._named))

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a message of the control socket (see OPERATIONS)."""
        if message["op"] == "policy_versions":
            return await self.versions.answer(message)
        return await changed_policy(self.desk, message)

    async def run(self) -> None:
        """Keep versions, and notice what other nodes publish, for ever."""
        await asyncio.gather(self.versions.run(), self._watch())

    async def look(self) -> None:
        """Take what another node published; what goes wrong is said once, and tried again."""
        try:
            await self.publishing.follow()
        except (StorageError, ConfigError, PolicyDeskError) as error:
            if str(error) != self._said:
                logger.error("what other nodes published is not in use here: %s", error)
            self._said = str(error)
        else:
            self._said = ""

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)


def read_only(named: str, *, shipped: bool) -> str | None:
    """Why no policy may be published under a configuration that names this one; None where one may."""
    return None if shipped else f"the configuration names a file, {named}: the policy is changed there"
