"""Opening the repositories that the configuration names, whichever plugins bring them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.hosting import Plugins
from midwatch_core.ports import CacheLayer, MetadataRepository, TraceRepository

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
        """Open all. Raises StorageError."""
        await self.traces.start(migrate=self.migrates)
        await self.metadata.start(migrate=self.migrates)
        await self.cache.start()

    async def close(self) -> None:
        """Close all."""
        await self.traces.close()
        await self.metadata.close()
        await self.cache.close()


def storage_profile(config: Config, home: Path) -> StorageProfile:
    """The URLs of the profile, and the configured ones in their place. Raises ConfigError."""
    settings = config.storage
    lite = f"sqlite:///{(home / 'midwatch.db').absolute()}"
    base = "memory://" if settings.profile == "memory" else lite
    return StorageProfile(
        traces=settings.traces or base,
        metadata=settings.metadata or base,
        cache=settings.cache or "memory://",
        migrates=settings.profile != "production",
    )


def open_storage(plugins: Plugins, profile: StorageProfile) -> Storage:
    """The repositories, not yet started. Raises ConfigError where no plugin knows a scheme."""
    return Storage(
        traces=_open(plugins, "open_traces", "storage.traces", profile.traces),
        metadata=_open(plugins, "open_metadata", "storage.metadata", profile.metadata),
        cache=open_cache(plugins, profile),
        migrates=profile.migrates,
    )


def open_cache(plugins: Plugins, profile: StorageProfile) -> CacheLayer:
    """The cache alone, not yet started: all a worker opens. Raises ConfigError."""
    cache: CacheLayer = _open(plugins, "open_cache", "storage.cache", profile.cache)
    return cache


def _open(plugins: Plugins, hook: str, key: str, url: str) -> Any:
    failed = []
    for outcome in plugins.call_all(hook, url=url):
        if outcome.ok and outcome.value is not None:
            return outcome.value
        if isinstance(outcome.error, StorageError | ConfigError):
            raise ConfigError(f"{key}: {outcome.error}") from outcome.error
        if outcome.error is not None:
            failed.append(f"; {outcome.name} failed: {outcome.error}")
    scheme = url.partition("://")[0]
    extra = _EXTRAS.get(scheme.partition("+")[0])
    hint = f"; install midwatch[{extra}]" if extra else ""
    raise ConfigError(f"{key}: no installed plugin opens {scheme[:40]}:// URLs{hint}{''.join(failed)}")
