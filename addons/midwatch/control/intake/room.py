"""The room of intake in the control process: who tells calls and has texts scanned, by which catalogue and policy."""

from collections.abc import Callable
from dataclasses import replace

from midwatch.control.intake.batches import Batches
from midwatch.control.intake.scanning import PolicyScanner
from midwatch.control.intake.taking import METRICS, JournalIntake
from midwatch.settings import Settings, catalogue_of, dialects_of
from midwatch_core.access.caller import Caller
from midwatch_core.access.directory import Directory
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.intake import IntakeError
from midwatch_core.metrics import Metrics
from midwatch_core.reviewing import Reviewer
from midwatch_core.sealing import Sealers
from midwatch_core.telling import Sender, Teller
from midwatch_journal import JournalLimits

__all__ = ["METRICS", "IntakeRoom"]


class IntakeRoom:
    """All of intake that control has. What it needs of the catalogue is made with the first call that is told."""

    def __init__(
        self,
        settings: Settings,
        reviewer: Reviewer,
        directory: Callable[[], Directory],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._teller: Teller | None = None
        journal = settings.config.journal
        limits = JournalLimits(max_bytes=journal.max_bytes, segment_bytes=journal.segment_bytes)
        self.intake = JournalIntake(
            Batches(settings.home.journal, limits),
            teller=self._ready,
            sender=self._sender,
            clock=clock,
            metrics=metrics,
        )
        self.scanner = PolicyScanner(reviewer, clock, default=settings.config.tenant)

    def follow(self, config: Config) -> None:
        """From now on, go by this configuration's catalogue and headers."""
        self._settings = replace(self._settings, config=config)
        self._teller = None

    async def close(self) -> None:
        """Take nothing more."""
        await self.intake.close()

    def _sender(self, caller: Caller, source: str) -> Sender:
        tenants = (
            frozenset(tenant.name for tenant in self._directory().tenants) if caller.tenant is None else frozenset()
        )
        return Sender(caller=caller, source=source, tenants=tenants, default=self._settings.config.tenant)

    def _ready(self) -> Teller:
        if self._teller is None:
            self._teller = self._made(self._settings)
        return self._teller

    def _made(self, settings: Settings) -> Teller:
        dialects = dialects_of(settings.plugins)
        try:
            catalogue, key = catalogue_of(settings, dialects), settings.home.hash_key()
        except ConfigError as error:  # seen at start and at each reload; a plugin's file may be gone since
            raise IntakeError(str(error)) from error
        return Teller(catalogue, dialects, Sealers(key), own_sessions=settings.config.identity.session_headers)
