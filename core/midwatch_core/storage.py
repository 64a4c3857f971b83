"""Opening the repositories that the configuration names, whichever plugins bring them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError, StorageUnavailableError
from midwatch_core.hosting import Plugins
from midwatch_core.ports import CacheLayer, MetadataRepository, TraceRepository
from midwatch_core.secret_text import masked, resolve_secrets, without_secrets

logger = logging.getLogger(__name__)

# Which extra brings what opens a scheme.
_EXTRAS = {
    "clickhouse": "clickhouse",
    "clickhouses": "clickhouse",
    "postgresql": "postgres",
    "postgres": "postgres",
    "redis": "redis",
    "rediss": "redis",
    "valkey": "redis",
    "valkeys": "redis",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageProfile:
    """Where each repository is, secrets filled in: never printed, never kept. `migrates`: at start, unasked."""

    traces: str
    metadata: str
    cache: str
    migrates: bool = True

    def __repr__(self) -> str:
        return "StorageProfile(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The repositories of one installation."""

    traces: TraceRepository
    metadata: MetadataRepository
    cache: CacheLayer
    migrates: bool = True

    async def start(self) -> None:
        """Open all. Raises StorageError, but not for a cache that is away: it is called again when it is needed."""
        await self.traces.start(migrate=self.migrates)
        await self.metadata.start(migrate=self.migrates)
        try:
            await self.cache.start()
        except StorageUnavailableError as error:
            logger.warning("the cache is away: %s", error)

    async def close(self) -> None:
        """Close all."""
        await self.traces.close()
        await self.metadata.close()
        await self.cache.close()


def storage_profile(config: Config, home: Path) -> StorageProfile:
    """The URLs of the profile, and the configured ones in their place. Raises ConfigError."""
    settings = config.storage
    given = {"traces": settings.traces, "metadata": settings.metadata, "cache": settings.cache}
    if settings.profile == "production" and (missing := [f"storage.{name}" for name, url in given.items() if not url]):
        raise ConfigError(f"storage.profile: production needs {', '.join(missing)}; give each store's URL")
    lite = f"sqlite:///{(home / 'midwatch.db').absolute()}"
    base = "memory://" if settings.profile == "memory" else lite
    urls = {"traces": base, "metadata": base, "cache": "memory://"}
    urls |= {name: resolve_secrets(url, key=f"storage.{name}") for name, url in given.items() if url}
    return StorageProfile(**urls, migrates=settings.profile != "production")


def open_storage(plugins: Plugins, profile: StorageProfile) -> Storage:
    """The repositories, not yet started. Raises ConfigError where no plugin knows a scheme."""
    return Storage(
        traces=open_traces(plugins, profile),
        metadata=open_metadata(plugins, profile),
        cache=open_cache(plugins, profile),
        migrates=profile.migrates,
    )


def open_traces(plugins: Plugins, profile: StorageProfile) -> TraceRepository:
    """The trace repository alone, not yet started. Raises ConfigError."""
    traces: TraceRepository = _open(plugins, "open_traces", "storage.traces", profile.traces)
    return traces


def open_metadata(plugins: Plugins, profile: StorageProfile) -> MetadataRepository:
    """The metadata repository alone, not yet started. Raises ConfigError."""
    metadata: MetadataRepository = _open(plugins, "open_metadata", "storage.metadata", profile.metadata)
    return metadata


def open_cache(plugins: Plugins, profile: StorageProfile) -> CacheLayer:
    """The cache alone, not yet started: all a worker opens. Raises ConfigError."""
    cache: CacheLayer = _open(plugins, "open_cache", "storage.cache", profile.cache)
    return cache


def _open(plugins: Plugins, hook: str, key: str, url: str) -> Any:
    """What the first plugin that knows the scheme gives. Whatever a plugin says of it is told without secrets."""
    failed = []
    for outcome in plugins.call_with_secret(hook, lambda message: without_secrets(message, url), url=url):
        if outcome.ok and outcome.value is not None:
            return outcome.value
        if isinstance(outcome.error, StorageError | ConfigError):
            raise ConfigError(f"{key}: {outcome.error}") from outcome.error
        if outcome.error is not None:
            failed.append(f"; {outcome.name} failed: {outcome.error}")
    scheme = masked(url).partition("://")[0]
    extra = _EXTRAS.get(scheme.partition("+")[0])
    hint = f"; install midwatch[{extra}]" if extra else ""
    raise ConfigError(f"{key}: no installed plugin opens {scheme[:40]}:// URLs{hint}{''.join(failed)}")
