"""Where exports go: the settings first, then the variables that OpenTelemetry's own exporters read.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from midwatch_core import Way, resolve_secrets, split_address, way_to
from midwatch_otel.settings import ExportSettings

logger = logging.getLogger(__name__)

_PREFIX = "OTEL_EXPORTER_OTLP_"
_DEFAULT_TIMEOUT_S = 10.0
_LONGEST_TIMEOUT_S = 60.0
_PROTOCOL = f"{_PREFIX}PROTOCOL"
_PROTOCOLS = ("", "http/protobuf")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Where one signal goes, and which way. `headers` hold secrets: they are for sending, never for showing."""

    url: str
    headers: Mapping[str, str]
    way: Way = field(default_factory=Way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where spans and metrics go; None for what is not sent."""

    spans: Signal | None
    metrics: Signal | None
    gzip: bool
    timeout_s: float

    @property
    def signals(self) -> list[Signal]:
        """Those that are sent."""
        return [signal for signal in (self.spans, self.metrics) if signal is not None]

    def led(self, house: Mapping[str, object]) -> "Destination":
        """The same, each signal by the way that the house's requests go. Raises ConfigError."""
        spans, metrics = (
            None if signal is None else replace(signal, way=way_to(signal.url, house))
            for signal in (self.spans, self.metrics)
        )
        return replace(self, spans=spans, metrics=metrics)


def destination_of(settings: ExportSettings, environ: Mapping[str, str]) -> Destination | None:
    """The destination; None where nothing is to be sent. Raises ConfigError for a secret that is not there."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" and settings.endpoint is None:
        return None
    spans = _signal("traces", settings, environ) if settings.spans else None
    metrics = _signal("metrics", settings, environ) if settings.metrics else None
    if spans is None and metrics is None:
        return None
    compression = settings.compression or environ.get(f"{_PREFIX}COMPRESSION", "").strip().lower() or "gzip"
    return Destination(
        spans=spans, metrics=metrics, gzip=compression == "gzip", timeout_s=settings.timeout_s or _timeout_s(environ)
    )


def leads_to(url: str, address: str) -> bool:
    """Whether a URL's host and port are those of a listener of ours (HOST:PORT)."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return False
    host, own_port = split_address(address)
    return port == own_port and _same_host(parts.hostname or "", host)


def _signal(name: str, settings: ExportSettings, environ: Mapping[str, str]) -> Signal | None:
    if settings.endpoint is not None:
        headers = {
            key: resolve_secrets(value, key=f"otel.export.headers.{key}") for key, value in settings.headers.items()
        }
        return Signal(url=f"{settings.endpoint.rstrip('/')}/v1/{name}", headers=headers)
    upper = name.upper()
    if environ.get(f"OTEL_{upper}_EXPORTER", "otlp").strip().lower() != "otlp":
        return None
    own, base = environ.get(f"{_PREFIX}{upper}_ENDPOINT", ""), environ.get(f"{_PREFIX}ENDPOINT", "")
    url = own or (f"{base.rstrip('/')}/v1/{name}" if base else "")
    if not url or not _is_spoken(name, url, environ.get(f"{_PREFIX}{upper}_PROTOCOL") or environ.get(_PROTOCOL, "")):
        return None
    told = environ.get(f"{_PREFIX}{upper}_HEADERS") or environ.get(f"{_PREFIX}HEADERS", "")
    return Signal(url=url, headers=_headers(told))


def _is_spoken(name: str, url: str, protocol: str) -> bool:
    """Whether we can export there. The variables may be meant for somebody else's exporter: then we do without."""
    try:
        parts = urlsplit(url)
        if protocol.strip().lower() in _PROTOCOLS and parts.scheme in _PORTS and parts.hostname:
            return True
    except ValueError:
        pass  # an address in brackets that is none
    logger.warning("%s are not exported: %s* names no http/protobuf endpoint; set otel.export.endpoint", name, _PREFIX)
    return False


def _headers(text: str) -> dict[str, str]:
    """`key=value,key=value`, as W3C's baggage is written: values are percent-encoded."""
    pairs = (item.partition("=") for item in text.split(",") if "=" in item)
    return {unquote(key.strip()).lower(): unquote(value.strip()) for key, _, value in pairs if key.strip()}


def _timeout_s(environ: Mapping[str, str]) -> float:
    """`OTEL_EXPORTER_OTLP_TIMEOUT` is in milliseconds, as all durations there are."""
    text = environ.get(f"{_PREFIX}TIMEOUT", "").strip()
    if not (text.isascii() and text.isdigit()) or int(text[:9]) == 0:
        return _DEFAULT_TIMEOUT_S
    return min(int(text[:9]) / 1000, _LONGEST_TIMEOUT_S)


def _same_host(one: str, other: str) -> bool:
    return one.lower() == other.lower() or (_is_here(one) and _is_here(other))


def _is_here(host: str) -> bool:
    """Loopback, or all addresses of this machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
