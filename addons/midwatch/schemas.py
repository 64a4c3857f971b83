"""The schemas of the stores: how each stands, whoever asks (`start`, `migrate`, `doctor`)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.hosting import Plugins
from midwatch_core.ports import MetadataRepository, Migrations, SchemaState, TraceRepository
from midwatch_core.secret_text import masked, without_secrets
from midwatch_core.storage import StorageProfile, open_metadata, open_traces

STORES = ("traces", "metadata")
COMMAND = "midwatch migrate up"
_ANSWER_S = 15.0
_GOODBYE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one store's schema stands. `state` None: it has none, or could not be asked (`error` says why).

    `away`: it can't be reached for now. `url` is as it may be shown.
    """

    store: str
    url: str
    state: SchemaState | None = None
    error: str | None = None
    away: bool = False

    @property
    def trouble(self) -> str | None:
        """What is wrong, or waits to be done; None where all is well."""
        if self.error is not None or self.state is None or self.state.is_current:
            return self.error
        return self.state.problem or f"the schema is at {self.state.current or 'nothing'}, not {self.state.head}"


async def standings(plugins: Plugins, profile: StorageProfile, stores: Iterable[str] = STORES) -> list[Standing]:
    """How the stores stand, one after the other: both may be in one database. Raises ConfigError."""
    return [await standing(plugins, profile, store) for store in stores]


async def standing(plugins: Plugins, profile: StorageProfile, store: str) -> Standing:
    """How one store stands; nothing is changed. Raises ConfigError where it can't be opened at all."""
    url: str = getattr(profile, store)
    shown = masked(url)
    try:
        async with asyncio.timeout(_ANSWER_S), migrations_of(plugins, profile, store) as migrations:
            state = await migrations.state() if migrations is not None else None
    except TimeoutError:
        return Standing(store=store, url=shown, error=f"no answer in {_ANSWER_S:g} s", away=True)
    except StorageError as error:
        away = isinstance(error, StorageUnavailableError)
        return Standing(store=store, url=shown, error=without_secrets(str(error), url), away=away)
    return Standing(store=store, url=shown, state=state)


@asynccontextmanager
async def migrations_of(plugins: Plugins, profile: StorageProfile, store: str) -> AsyncIterator[Migrations | None]:
    """The migrations of one store, which is opened for them and closed again. Raises ConfigError."""
    repository: TraceRepository | MetadataRepository = (
        open_traces(plugins, profile) if store == "traces" else open_metadata(plugins, profile)
    )
    try:
        yield repository.migrations
    finally:
        # A server that hangs does not say goodbye either.
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await repository.close()
