"""An exporter for a host, where settings or environment ask for one."""

from collections.abc import Callable, Mapping

from midwatch_core import ConfigError, Host
from midwatch_otel.export.conventions import chosen
from midwatch_otel.export.destination import Destination, leads_to
from midwatch_otel.export.exporter import Exporter
from midwatch_otel.export.requests import Writer
from midwatch_otel.export.tally import Tally
from midwatch_otel.settings import ExportSettings


def new_exporter(
    settings: ExportSettings,
    destination: Destination,
    host: Host,
    *,
    instance: str,
    environ: Mapping[str, str],
    house: Callable[[], Mapping[str, object]],
) -> Exporter:
    """The exporter, not yet started. `instance` is this process's `service.instance.id`; `house` tells the settings by
    which requests go now.
    """
    conventions = chosen(environ)
    resource = {"service.name": "midwatch", "service.version": host.version, "service.instance.id": instance}
    return Exporter(
        destination=destination,
        writer=Writer(resource=resource, version=host.version, conventions=conventions, content=settings.content),
        tally=Tally(conventions=conventions, since_ns=int(host.clock.now().timestamp() * 1e9)),
        metrics=host.metrics,
        clock=host.clock,
        interval_s=settings.interval_s,
        house=house,
    )


def leads_back(destination: Destination, settings: ExportSettings, listeners: Mapping[str, str]) -> str | None:
    """Which of our own `listeners` (setting to HOST:PORT) a destination leads to; None where it leads elsewhere.

    An application in the same environment may be told by the same variables to send its spans here. Raises
    ConfigError where it is our own setting that says so.
    """
    for setting, address in listeners.items():
        for signal in (destination.spans, destination.metrics):
            if signal is not None and leads_to(signal.url, address):
                if settings.endpoint is not None:
                    raise ConfigError(f"otel.export.endpoint: {settings.endpoint} is our own {setting}")
                return setting
    return None
