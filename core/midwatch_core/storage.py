"""Opening the repositories that the configuration names, whichever plugins bring them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch_core.config import Config, StorageUrls
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.hosting import Plugins
from midwatch_core.ports import MetadataRepository, TraceRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The repositories of one installation."""

    traces: TraceRepository
    metadata: MetadataRepository

    async def start(self) -> None:
        """Open all. Raises StorageError."""
        await self.traces.start()
        await self.metadata.start()

    async def close(self) -> None:
        """Close all."""
        await self.traces.close()
        await self.metadata.close()


def storage_urls(config: Config, home: Path) -> StorageUrls:
    """The URLs of a profile, or the configured ones."""
    if config.storage == "memory":
        return StorageUrls(traces="memory://", metadata="memory://")
    if isinstance(config.storage, StorageUrls):
        return config.storage
    url = f"sqlite:///{(home / 'midwatch.db').absolute()}"
    return StorageUrls(traces=url, metadata=url)


def open_storage(plugins: Plugins, urls: StorageUrls) -> Storage:
    """The repositories at these URLs, not yet started. Raises ConfigError where no plugin knows a scheme."""
    return Storage(
        traces=_open(plugins, "open_traces", "storage.traces", urls.traces),
        metadata=_open(plugins, "open_metadata", "storage.metadata", urls.metadata),
    )


def _open(plugins: Plugins, hook: str, key: str, url: str) -> Any:
    failed = []
    for outcome in plugins.call_all(hook, url=url):
        if outcome.ok and outcome.value is not None:
            return outcome.value
        if isinstance(outcome.error, StorageError | ConfigError):
            raise ConfigError(f"{key}: {outcome.error}") from outcome.error
        if outcome.error is not None:
            failed.append(f"; {outcome.name} failed: {outcome.error}")
    raise ConfigError(f"{key}: no installed plugin opens {url.partition('://')[0]}:// URLs{''.join(failed)}")
