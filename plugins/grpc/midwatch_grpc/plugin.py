"""The plugin: a listener in the control process where one is asked for. gRPC is imported there and then alone."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from midwatch_core import ConfigError, Host, Hostnames, MetricSpec, Role, hookimpl
from midwatch_grpc.metrics import METRICS
from midwatch_grpc.settings import GrpcSettings

if TYPE_CHECKING:
    from midwatch_grpc.listener import Listener


class Grpc:
    """Ingest and scan over gRPC, off unless `grpc.listen` says where."""

    Config = GrpcSettings

    def __init__(self, config: GrpcSettings | None = None) -> None:
        self._settings = config or GrpcSettings()
        self._listener: Listener | None = None

    @hookimpl
    def metrics(self) -> list[MetricSpec]:
        """Requests by method and status code."""
        return list(METRICS)

    @hookimpl
    def startup(self, host: Host) -> Awaitable[None] | None:
        """Listen, in control, where that is asked for. Raises ConfigError for an address that can't be or must not."""
        if host.role is not Role.CONTROL or self._settings.listen is None:
            return None
        refuse_strangers(self._settings.listen, host)
        return self._listen(host)

    @hookimpl
    def shutdown(self, host: Host) -> Awaitable[None] | None:
        """Stop listening; what is being answered is given a moment."""
        return self._listener.stop() if self._listener is not None else None

    async def _listen(self, host: Host) -> None:
        try:
            from midwatch_grpc.listener import Listener
        except ImportError as error:
            raise ConfigError(f"grpc.listen: {error}; install midwatch[grpc]") from error
        listener = Listener(self._settings, host)
        await listener.start()
        self._listener = listener


def refuse_strangers(listen: str, host: Host) -> None:
    """Raises ConfigError where others than this machine could come, and nobody would be asked for a key."""
    asks = host.access is not None and host.access.required
    if not asks and not Hostnames.of_console(listen).loopback:
        raise ConfigError(
            f"grpc.listen: anybody who reaches {listen} could send calls; set access.console: always and give out keys"
            " (`keys create`), or listen on 127.0.0.1"
        )
