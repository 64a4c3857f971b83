"""The plugin: takes spans in control's console and on a gRPC listener of its own, and exports what is stored."""

import logging
import os
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING

from midwatch_core import Config as HouseConfig
from midwatch_core import ConfigError, Exchange, Host, Hostnames, MetricSpec, Mount, Role, hookimpl
from midwatch_otel.export import numbers as sent_numbers
from midwatch_otel.export.destination import destination_of
from midwatch_otel.ingest import numbers as taken_numbers
from midwatch_otel.settings import OtelSettings

if TYPE_CHECKING:
    from midwatch_otel.export.exporter import Exporter
    from midwatch_otel.ingest.grpc_face import GrpcFace
    from midwatch_otel.ingest.receiver import Receiver

logger = logging.getLogger(__name__)

# What stands in `Identity.learned_from` of calls that came as spans: their application exported them itself.
_TOLD = "otlp"


class Otel:
    """OpenTelemetry for Midwatch. Protobuf, gRPC and the client are imported in control alone, where they are used."""

    Config = OtelSettings

    def __init__(self, config: OtelSettings | None = None) -> None:
        self._config = config or OtelSettings()
        # Who we are in what we export: spans that come back are known by it.
        self._instance = str(uuid.uuid4())
        self._exporter: Exporter | None = None
        self._house: Mapping[str, object] = {}
        self._grpc: GrpcFace | None = None

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """What came in, and what went out."""
        return [*taken_numbers.METRICS, *sent_numbers.METRICS]

    @hookimpl
    def startup(self, host: Host) -> Awaitable[None] | None:
        """Listen for gRPC and begin to export, in control and where that is configured. Raises ConfigError."""
        return self._begin(host) if host.role is Role.CONTROL else None

    async def _begin(self, host: Host) -> None:
        if self._config.grpc_listen is not None:
            await self._listen(host, self._config.grpc_listen)
        self._exporter = self._new_exporter(host)
        if self._exporter is not None:
            self._exporter.start()

    @hookimpl
    def mounts(self, host: Host) -> list[Mount]:
        """OTLP over HTTP, where exporters send it unless told otherwise: /v1/traces."""
        from midwatch_otel.ingest.http_face import PREFIX, HttpFace

        return [Mount(prefix=PREFIX, app=HttpFace.of(_console(host), host.access, self._receiver(host)))]

    @hookimpl
    def stored(self, exchanges: Sequence[Exchange]) -> None:
        """Hand exchanges to the exporter, but for those that an application told by OpenTelemetry itself."""
        if self._exporter is not None:
            own = [item for item in exchanges if _TOLD not in item.identity.learned_from.values()]
            self._exporter.take(own)

    @hookimpl
    def reload(self, host: Host) -> None:
        """Send by the way that there is now."""
        self._house = host.settings

    @hookimpl
    async def shutdown(self) -> None:
        """Stop listening, and send what waits."""
        if self._grpc is not None:
            await self._grpc.close()
        if self._exporter is not None:
            await self._exporter.close()

    def _receiver(self, host: Host) -> "Receiver | None":
        from midwatch_otel.ingest.receiver import Receiver

        if host.intake is None:
            return None
        return Receiver(intake=host.intake, metrics=host.metrics, own_instance=self._instance)

    async def _listen(self, host: Host, address: str) -> None:
        receiver = self._receiver(host)
        if receiver is None:
            raise ConfigError("otel.grpc_listen: this process takes no calls")
        asked = host.access is not None and host.access.required
        if not asked and not Hostnames.of_console(address).loopback:
            raise ConfigError(f"otel.grpc_listen: {address} is not on loopback: set `access.console: always`, for keys")
        try:
            from midwatch_otel.ingest.grpc_face import GrpcFace
        except ImportError as error:
            raise ConfigError(f"otel.grpc_listen needs gRPC: install midwatch-otel[grpc] ({error})") from error
        self._grpc = GrpcFace(receiver=receiver, access=host.access)
        await self._grpc.start(address)

    def _new_exporter(self, host: Host) -> "Exporter | None":
        settings = self._config.export
        destination = destination_of(settings, os.environ)
        if destination is None:
            return None
        from midwatch_otel.export.starting import leads_back, new_exporter

        listeners = {"console": _console(host), "otel.grpc_listen": self._config.grpc_listen or ""}
        own = leads_back(destination, settings, {key: address for key, address in listeners.items() if address})
        if own is not None:
            logger.info("nothing is exported: OTEL_EXPORTER_OTLP_ENDPOINT leads to our own %s", own)
            return None
        self._house = host.settings
        return new_exporter(
            settings, destination, host, instance=self._instance, environ=os.environ, house=lambda: self._house
        )


def _console(host: Host) -> str:
    return str(host.settings.get("console") or HouseConfig().console)
