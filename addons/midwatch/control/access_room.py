"""The room of access in the control process: who has it, who changes it, who comes to the faces, and the first key."""

import sys
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from midwatch.control.access_watch import AccessWatch
from midwatch.control.administering import administer
from midwatch.control.anchoring import AnchorFile
from midwatch.home import Home
from midwatch_core.access.administering import Administration
from midwatch_core.access.bootstrap import first_admin_key
from midwatch_core.access.claims import configured_tenants
from midwatch_core.access.doorkeeper import Doorkeeper
from midwatch_core.clock import Clock
from midwatch_core.config import Config, split_address
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.ports import MetadataRepository


class AccessRoom:
    """All of access that control has, in one place.

    `metadata` is the anchored one (see `anchoring`), `tell` is awaited when workers are to read the file again.
    `private`: the proxy is one command's own, and what is printed is among what that prints.
    """

    def __init__(
        self,
        home: Home,
        config: Config,
        metadata: MetadataRepository,
        clock: Clock,
        tell: Callable[[], Awaitable[None]],
        *,
        private: bool = False,
    ) -> None:
        self._config = config
        self._private = private
        self._clock = clock
        self._follow(config)
        self.watch = AccessWatch(home, metadata, lambda: self._configured, tell)
        self.administration = Administration(
            metadata,
            clock,
            configured=lambda: self._configured,
            changed=self.watch.refresh,
            anchor=AnchorFile(home.audit_anchor).read,
        )
        self.doorkeeper = Doorkeeper(self.watch.directory, clock, required=console_asks(config))

    async def start(self) -> None:
        """Learn who has access, and see that somebody can begin. Raises ConfigError and StorageError.

        With the store away nobody is given a first key before a restart; who had access has it still.
        """
        await self.watch.start()
        if not (self.doorkeeper.required or (self._config.identity.required and not self._private)):
            return
        try:
            made = await first_admin_key(self.administration, self._clock, self._config.access.admin_key)
        except StorageUnavailableError:
            return  # the watch has said so
        if made is not None:
            print(f"Midwatch: the first admin key, shown this once: {made.text}", file=sys.stderr, flush=True)

    async def run(self) -> None:
        """Notice what other nodes change, for ever."""
        await self.watch.run()

    async def follow(self, config: Config) -> None:
        """From now on, go by this configuration's tenants."""
        self._follow(config)
        await self.watch.refresh()

    def retention_terms(self) -> dict[str, float | None]:
        """Days by tenant, of those that have a term of their own."""
        tenants = self.watch.directory().tenants
        return {item.name: item.retention_days for item in tenants if item.retention_days is not None}

    async def administer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer a message of the control socket (see `administering`)."""
        return await administer(self.administration, message)

    def _follow(self, config: Config) -> None:
        self._configured = configured_tenants(config.tenants, config.tenant)


def console_asks(config: Config) -> bool:
    """Whether the console asks for a key. Unless set, it does wherever others than this machine may reach it."""
    if config.access.console != "auto":
        return config.access.console == "always"
    host, _ = split_address(config.console)
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
