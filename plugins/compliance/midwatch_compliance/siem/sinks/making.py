"""Making sinks from their settings; secrets are filled in here and kept nowhere else."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.settings import SinkSettings
from midwatch_compliance.siem.sinks.file import FileSink
from midwatch_compliance.siem.sinks.http import HttpSink
from midwatch_compliance.siem.sinks.sink import Sink
from midwatch_compliance.siem.sinks.syslog import SyslogSink
from midwatch_core import ConfigError, Way, resolve_secrets, split_address, way_to


def make_sink(
    settings: SinkSettings, home: Path, *, version: str, hostname: str, house: Callable[[], Mapping[str, object]]
) -> Sink:
    """The sink; `house` tells the settings by which requests go now. Raises ConfigError where a secret is missing."""
    lines = Lines(format=settings.format, version=version, hostname=hostname)
    name = settings.called
    if settings.path is not None and settings.kind == "file":
        path = home / settings.path.expanduser()
        return FileSink(name, path, lines, max_bytes=settings.max_bytes, keep=settings.keep)
    if settings.url is not None and settings.kind == "http":
        headers = {header: _header(text, f"{name}: headers: {header}") for header, text in settings.headers.items()}
        way = partial(_way, settings.url, house)
        way()  # what is wrong with it is told at the start
        return HttpSink(name, settings.url, lines, headers=headers, array=settings.body == "array", way=way)
    assert settings.address is not None, "the settings were checked"
    host, port = split_address(settings.address)
    return SyslogSink(name, host, port, lines, transport=settings.transport)


def _way(url: str, house: Callable[[], Mapping[str, object]]) -> Way:
    return way_to(url, house())


def _header(text: str, place: str) -> str:
    """A header's value with its secrets. Raises ConfigError where one is missing, or is no text for a header."""
    key = f"compliance.siem: {place}"
    value = resolve_secrets(text, key=key)
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{key}: a header holds printable ASCII in one line")
    return value
