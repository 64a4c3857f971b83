"""Repositories of Midwatch in SQLite and PostgreSQL, opened by the URLs of these.

`sqlite:///PATH` keeps traces and metadata, `?mode=ro` only reads them; `postgresql://…` keeps metadata.

This module is imported in every process, so it imports nothing but the contract: SQLAlchemy costs more than half a
second, and SQLite needs it only while a migration runs.
"""

from importlib.util import find_spec

from midwatch_core import ConfigError, MetadataRepository, TraceRepository, hookimpl

_SQLITE = "sqlite://"
_POSTGRES = ("postgresql://", "postgres://")


@hookimpl(trylast=True)
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for a `sqlite://` URL. Raises ConfigError where the URL is no such thing."""
    if not url.startswith(_SQLITE):
        return None
    from midwatch_sql.location import parse_url
    from midwatch_sql.traces import SqliteTraces

    return SqliteTraces(parse_url(url))


@hookimpl(trylast=True)
def open_metadata(url: str) -> MetadataRepository | None:
    """A metadata repository for a `sqlite://` or `postgresql://` URL. Raises ConfigError where it is no such thing."""
    if url.startswith(_POSTGRES):
        return _open_postgres(url)
    if not url.startswith(_SQLITE):
        return None
    from midwatch_sql.location import parse_url
    from midwatch_sql.metadata import SqlMetadata
    from midwatch_sql.metadata_sqlite import SqliteStore

    return SqlMetadata(SqliteStore(parse_url(url)))


def _open_postgres(url: str) -> MetadataRepository:
    if find_spec("asyncpg") is None or find_spec("greenlet") is None:
        raise ConfigError("PostgreSQL's driver is not installed: install midwatch[postgres]")
    from midwatch_sql.metadata import SqlMetadata
    from midwatch_sql.postgres_address import parse_url
    from midwatch_sql.postgres_store import PostgresStore

    return SqlMetadata(PostgresStore(parse_url(url)))
