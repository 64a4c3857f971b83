"""Commands that plugins bring: looked for when a word is none of our own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from midwatch.cli.administrator import Administrator
from midwatch.cli.options import home_of
from midwatch.settings import Settings, resolve
from midwatch.stores import stores_of
from midwatch_core.contributions import Command
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics
from midwatch_core.queries import Queries


def contributed(name: str) -> Command | None:
    """The command of that name which a plugin brings, in the default home's configuration. Raises ConfigError."""
    settings = resolve(home_of(None), config_file=None, flags={})
    commands: list[Command] = settings.plugins.gather("commands", host=host_of(settings))
    return next((command for command in commands if command.name == name), None)


def host_of(settings: Settings) -> Host:
    """The host of a command."""

    async def record(action: str, subject: str, details: Mapping[str, str]) -> None:
        note = {"op": "audit_note", "action": action, "subject": subject, "details": dict(details)}
        await Administrator(settings.home, settings.sources.file).asked(note)

    return Host(
        role=Role.COMMAND,
        home=settings.home.root,
        metrics=Metrics(),
        settings=dict(settings.config),
        stored=lambda: _stored(settings),
        record=record,
        resources=tuple(settings.plugins.gather("resources")),
    )


@asynccontextmanager
async def _stored(settings: Settings) -> AsyncIterator[Queries]:
    """Queries of the stores themselves; a house that is running keeps on writing them. Raises StorageError."""
    storage = stores_of(settings)
    async with AsyncExitStack() as opened:
        for store in (storage.traces, storage.metadata):
            opened.push_async_callback(store.close)
            await store.start(migrate=storage.migrates)
        yield Queries(traces=storage.traces, metadata=storage.metadata)
