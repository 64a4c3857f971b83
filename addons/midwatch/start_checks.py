"""What must not start, and what should be known at the start: relays, shared counters, schemas, secrets."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import reduce
from typing import cast

from midwatch.open_relay import refuse_open_relay
from midwatch.schemas import COMMAND, Standing, standings
from midwatch.server_certificates import check_server_certificates
from midwatch.settings import Settings
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import SECRET_KEYS, resolve_secrets
from midwatch_core.storage import StorageProfile, open_storage, storage_profile
from midwatch_core.upstream_settings import PROXY_KEY, ForwardProxy, UpstreamSettings

logger = logging.getLogger(__name__)


def check_start(settings: Settings) -> None:
    """All of these, before anything listens. Raises ConfigError that says what to set or to run."""
    profile = check_settings(settings)
    open_storage(settings.plugins, profile)
    if not profile.migrates:
        check_schemas(settings, profile)


def check_settings(settings: Settings) -> StorageProfile:
    """What can be told from the settings alone, at a start and at each reload: the stores' URLs. Raises ConfigError."""
    config = settings.config
    refuse_open_relay(config.mode, config.listen, required=config.identity.required)
    check_secrets(config)
    check_client_ca(config)
    check_ca(config)
    check_upstream(config.upstream)
    profile = storage_profile(config, settings.home.root)
    check_counters(config, profile)
    return profile


def check_secrets(config: Config) -> None:
    """Raises ConfigError where a secret that will be needed can't be had. Those of URLs are looked at on opening."""
    for path in SECRET_KEYS:
        # A plugin's section is there where the plugin is.
        text = reduce(lambda place, name: getattr(place, name, None), path, cast(object, config))
        if isinstance(text, str):
            resolve_secrets(text, key=".".join(path))


def check_client_ca(config: Config) -> None:
    """Raises ConfigError where `identity.client_ca` can't be read: no worker could start with it."""
    if config.identity.client_ca is not None:
        from midwatch.proxy.admission.certificates import (
            ClientCertificates,  # cryptography is for those who ask for certificates
        )

        ClientCertificates.read(config.identity.client_ca)


def check_upstream(upstream: UpstreamSettings) -> None:
    """Raises ConfigError where the forward proxy is none, its password missing, or a certificate can't be shown."""
    if upstream.proxy is not None:
        ForwardProxy.parse(resolve_secrets(upstream.proxy, key=PROXY_KEY))
    check_server_certificates(upstream.client_certificates)


def check_ca(config: Config) -> None:
    """Raises ConfigError where `tls.ca` names no CA that could sign: no worker could start with it.

    One that is over, or has not begun, signs for nobody, but what is passed through needs none: that is said, and the
    start goes on.
    """
    if config.tls.ca:
        from midwatch.trust.given import check_given, check_holds  # as above

        check_given(config.tls.ca)
        try:
            check_holds(config.tls.ca, datetime.now(UTC))
        except ConfigError as error:
            logger.error("%s", error)


def check_counters(config: Config, profile: StorageProfile) -> None:
    """Workers that share no cache count each for itself: a hard budget would be spent once by each of them.

    Raises ConfigError for a hard budget. Limits only become wider, and are warned of.
    """
    if config.workers == 1 or not profile.cache.startswith("memory:"):
        return
    if hard := [budget.id for budget in config.budgets if budget.hard]:
        raise ConfigError(
            f"storage.cache: the hard budget {hard[0]!r} needs a cache that {config.workers} workers share;"
            " give a redis:// or valkey:// URL, or set workers: 1"
        )
    if config.limits or config.budgets:
        logger.warning(
            "limits and budgets are counted in each of %d workers: up to %d times as much passes; storage.cache with"
            " a redis:// or valkey:// URL counts them together",
            config.workers,
            config.workers,
        )


def check_schemas(settings: Settings, profile: StorageProfile) -> None:
    """Where migrations run only when asked for: raises ConfigError with the command, if a schema is not current.

    A store that can't be reached is none: calls are journalled meanwhile, and stored when it is back.
    """
    # In a thread: whoever starts may be in an event loop of its own.
    with ThreadPoolExecutor(1) as thread:
        found: list[Standing] = thread.submit(asyncio.run, standings(settings.plugins, profile)).result()
    for item in found:
        if item.away:
            logger.warning("storage.%s: %s: %s; the journal keeps until it is back", item.store, item.url, item.error)
        elif item.error is not None or (item.state is not None and item.state.problem):
            raise ConfigError(f"storage.{item.store}: {item.url}: {item.trouble}")
        elif item.trouble is not None:
            raise ConfigError(f"storage.{item.store}: {item.url}: {item.trouble}; run: {COMMAND}")
