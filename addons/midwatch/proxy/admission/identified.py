"""Whom a worker knows: the directory as control last wrote it into the home, else what the configuration says."""

from midwatch.access_file import read_access
from midwatch.proxy.admission.identifying import Identifying
from midwatch.settings import Settings
from midwatch_core.access.claims import configured_tenants
from midwatch_core.access.identifying import Identifier
from midwatch_core.clock import Clock
from midwatch_core.metrics import Metrics


def identifier_of(settings: Settings) -> Identifier:
    """Who identifies calls under these settings. Raises ConfigError for a document that is damaged."""
    config = settings.config
    directory = read_access(settings.home, configured_tenants(config.tenants, config.tenant))
    return Identifier(directory, config.identity, default=config.tenant)


def identifying_of(settings: Settings, *, clock: Clock, metrics: Metrics) -> Identifying:
    """The worker's side of it. Raises ConfigError."""
    return Identifying(
        identifier_of(settings),
        settings.config.identity,
        installation_key=settings.home.hash_key(),
        clock=clock,
        metrics=metrics,
    )
