"""What people call the service of a host, for the inventory's readers: by the catalogue and configuration of now."""

from dataclasses import replace

from midwatch.settings import Settings, ai_hosts_of, catalogue_of, dialects_of
from midwatch_core.config import Config
from midwatch_core.wire.ai_hosts import AiHosts


class Titles:
    """Titles of hosts. Raises ConfigError where the catalogue can't be read, at first and when it follows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hosts = _hosts(settings)

    def follow(self, config: Config) -> None:
        """From now on, go by this configuration."""
        self._hosts = _hosts(replace(self._settings, config=config))

    def of(self, host: str) -> str | None:
        """The title of a host's service; None for a host that nobody lists (any more)."""
        service = self._hosts.of(host)
        return service.title if service else None


def _hosts(settings: Settings) -> AiHosts:
    return ai_hosts_of(settings, catalogue_of(settings, dialects_of(settings.plugins)))
