"""The plugin: kinds of reports from frameworks, those of the home too, and the export of findings to a SIEM."""

import logging
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from midwatch_compliance.siem.numbers import METRICS
from midwatch_compliance.siem.settings import SinkSettings, check_apart
from midwatch_core import ConfigError, Exchange, Host, MetricSpec, ReportKind, Role, Section, hookimpl

if TYPE_CHECKING:
    from midwatch_compliance.siem.export import Export

logger = logging.getLogger(__name__)


class Compliance:
    """Reports and export, in control alone; what they need is imported there."""

    class Config(Section):
        """The section `compliance`."""

        siem: tuple[SinkSettings, ...] = Field(
            (), max_length=10, description="Where findings and enforcement are sent; nowhere, if none is given."
        )
        spool_bytes: int = Field(
            256 * 1024**2,
            ge=64 * 1024,
            description="Disk that events may take while a sink is away; then the oldest go.",
        )

        @field_validator("siem")
        @classmethod
        def _apart(cls, value: tuple[SinkSettings, ...]) -> tuple[SinkSettings, ...]:
            check_apart(value)
            return value

    def __init__(self, config: Config | None = None) -> None:
        self._config = config or self.Config()
        self._export: Export | None = None
        self._house: Mapping[str, object] = {}

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """What is counted of the export."""
        return list(METRICS)

    @hookimpl
    def startup(self, host: Host) -> None:
        """Check the home's frameworks and start the export. Raises ConfigError."""
        if host.role is not Role.CONTROL:
            return
        from midwatch_compliance.frameworks.loading import of_home

        of_home(host.home)
        if self._config.siem:
            self._start_export(host)

    @hookimpl
    def stored(self, exchanges: Sequence[Exchange]) -> None:
        """Write their events down."""
        if self._export is not None:
            self._export.take(exchanges)

    @hookimpl
    def reports(self, host: Host) -> list[ReportKind]:
        """One kind a framework (those of the home stand in for shipped ones of the same id), and usage."""
        from midwatch_compliance.frameworks.loading import of_home, shipped
        from midwatch_compliance.reporting.kinds import kinds_of

        return kinds_of(host, (shipped() | of_home(host.home)).values())

    @hookimpl
    def reload(self, host: Host) -> None:
        """Send by the way that there is now."""
        self._house = host.settings

    @hookimpl
    async def shutdown(self, host: Host) -> None:
        """Stop the export."""
        if self._export is not None:
            await self._export.close()

    def _start_export(self, host: Host) -> None:
        from midwatch_compliance.siem.export import Export
        from midwatch_compliance.siem.sinks.making import make_sink

        hostname = socket.gethostname()
        self._house = host.settings
        known: dict[str, Any] = {"version": host.version, "hostname": hostname, "house": lambda: self._house}
        sinks = [make_sink(item, host.home, **known) for item in self._config.siem]
        export = Export(host.home, sinks, host.metrics, max_bytes=self._config.spool_bytes)
        try:
            export.start()
        except OSError as error:
            raise ConfigError(f"compliance.siem: {host.home}: {error.strerror or error}") from error
        self._export = export
