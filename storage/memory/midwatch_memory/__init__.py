"""In-memory repositories of Midwatch, opened by `memory://` URLs: nothing is kept when the process ends.

`memory://?exchanges=N` keeps the newest N exchanges (10,000 unless said otherwise).
"""

from midwatch_core import CacheLayer, ConfigError, MetadataRepository, TraceRepository, hookimpl

_SCHEME = "memory://"


@hookimpl(trylast=True)
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for a `memory://` URL. Raises ConfigError where the URL says something else besides."""
    if not url.startswith(_SCHEME):
        return None
    from midwatch_memory.capacity import capacity
    from midwatch_memory.traces import MemoryTraces

    return MemoryTraces(capacity(url))


@hookimpl(trylast=True)
def open_metadata(url: str) -> MetadataRepository | None:
    """A metadata repository for a `memory://` URL. Raises ConfigError where the URL says something else besides."""
    if not url.startswith(_SCHEME):
        return None
    from midwatch_memory.capacity import capacity
    from midwatch_memory.metadata import MemoryMetadata

    return MemoryMetadata(capacity(url))


@hookimpl(trylast=True)
def open_cache(url: str) -> CacheLayer | None:
    """A cache for `memory://`. Raises ConfigError where the URL says something else besides."""
    if not url.startswith(_SCHEME):
        return None
    if url != _SCHEME:
        raise ConfigError(f"{url!r}: a cache in memory is memory://")
    from midwatch_memory.cache import MemoryCache

    return MemoryCache()
