"""Acme's store for Midwatch: exchanges in one file, opened by `acme:///PATH`."""

from midwatch_core import ConfigError, TraceRepository, hookimpl

_SCHEME = "acme://"


@hookimpl
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for an `acme://` URL. Raises ConfigError where it names no file."""
    if not url.startswith(_SCHEME):
        return None
    from pathlib import Path

    from acme_store.traces import AcmeTraces

    path = Path(url.removeprefix(_SCHEME))
    if not path.is_absolute() or path.is_dir():
        raise ConfigError("write acme:///PATH, the path of a file")
    return AcmeTraces(path)
