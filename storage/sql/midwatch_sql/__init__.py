"""SQLite repositories of Midwatch, opened by `sqlite:///PATH` URLs; `?mode=ro` opens one that only reads.

This module is imported in every process, so it imports nothing but the contract: SQLAlchemy costs more than half a
second and is needed only while a migration runs.
"""

from midwatch_core import MetadataRepository, TraceRepository, hookimpl

_SCHEME = "sqlite://"


@hookimpl(trylast=True)
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for a `sqlite://` URL. Raises ConfigError where the URL is no such thing."""
    if not url.startswith(_SCHEME):
        return None
    from midwatch_sql.location import parse_url
    from midwatch_sql.traces import SqliteTraces

    return SqliteTraces(parse_url(url))


@hookimpl(trylast=True)
def open_metadata(url: str) -> MetadataRepository | None:
    """A metadata repository for a `sqlite://` URL. Raises ConfigError where the URL is no such thing."""
    if not url.startswith(_SCHEME):
        return None
    from midwatch_sql.location import parse_url
    from midwatch_sql.metadata import SqliteMetadata

    return SqliteMetadata(parse_url(url))
