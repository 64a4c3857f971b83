"""`forget`: exchanges of a person, or of whatever else says whose they are, go for good."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from midwatch.cli.administrator import through_control
from midwatch.cli.asking import AskError
from midwatch.cli.printing import print_json, print_text
from midwatch.home import Home
from midwatch.lines import ControlAbsentError
from midwatch_core.errors import ConfigError
from midwatch_journal import read_dead_letters, waiting_bytes

if TYPE_CHECKING:
    from midwatch_core.forgotten import Forgotten

type Tell = Callable[[Forgotten], Awaitable[Sequence[str]]]

# The store may write its file anew.
_TIMEOUT_S = 3600.0


def forget(home: Home, config_file: Path | None, wanted: Mapping[str, Any], *, sure: bool, as_json: bool) -> int:
    """Forget what is wanted, once that is meant. 1 where it was not, or where calls are still in the journal.

    Raises ConfigError where it isn't said whose exchanges are meant, or that it is meant.
    """
    from midwatch.control.forgetting import BY

    if all(wanted.get(name) is None for name in BY):
        raise ConfigError("say whose: --user, --key, --client, --agent, --app, --trace, --session, --text or --tenant")
    forgetter = _Forgetter(home, config_file, wanted)
    if not sure and not _is_meant(forgetter.ask("forget_count")["count"]):
        print("midwatch: nothing was forgotten", file=sys.stderr)
        return 1
    answer = forgetter.ask("forget")
    if as_json:
        print_json([{"forgotten": answer["count"], "caught_up": answer["caught_up"]}])
    else:
        print_text(f"exchanges forgotten: {answer['count']:,}")
    return _left_over(home, caught_up=answer["caught_up"], plugins=answer.get("plugins", ()))


class _Forgetter:
    """Has it done by control where one lives, so that its journal is seen to first, else on the store."""

    def __init__(self, home: Home, config_file: Path | None, wanted: Mapping[str, Any]) -> None:
        self._home = home
        self._config_file = config_file
        self._wanted = dict(wanted)

    def ask(self, operation: str) -> dict[str, Any]:
        """One of `forgetting.OPERATIONS`. Raises AskError, ConfigError and StorageError."""
        answer = asyncio.run(self._ask({"op": operation, "filter": self._wanted}))
        if problem := answer.get("error"):
            raise AskError(str(problem))
        return answer

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return await through_control(self._home, message, _TIMEOUT_S)
        except ControlAbsentError:
            return await self._alone(message)

    async def _alone(self, message: dict[str, Any]) -> dict[str, Any]:
        from midwatch.cli.contributed import host_of
        from midwatch.control.anchoring import anchored
        from midwatch.control.forgetting import Forgetting, tell_plugins
        from midwatch.settings import resolve
        from midwatch.stores import stores_of
        from midwatch_core.clock import SystemClock
        from midwatch_core.queries import Queries
        from midwatch_core.storage import storage_profile

        settings = resolve(self._home, config_file=self._config_file, flags={})
        profile = storage_profile(settings.config, self._home.root)
        tell = partial(tell_plugins, settings.plugins, host_of(settings))
        lite = settings.config.storage.traces is None and profile.traces.startswith("sqlite:")
        if profile.traces.startswith("memory:") or (lite and not (self._home.root / "midwatch.db").exists()):
            return await self._of_plugins(message, tell)
        storage = stores_of(settings)
        metadata = anchored(storage.metadata, self._home, profile.metadata)
        async with AsyncExitStack() as stack:
            for repository in (storage.traces, metadata):
                await repository.start(migrate=storage.migrates)
                stack.push_async_callback(repository.close)
            forgetting = Forgetting(
                queries=Queries(traces=storage.traces),
                metadata=metadata,
                clock=SystemClock(),
                caught_up=self._journal_is_empty,
                tell=tell,
            )
            return await forgetting.answer(message)

    async def _of_plugins(self, message: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
        """No store has anything: what plugins keep in the home is all there is."""
        from midwatch.control.answering import filter_of
        from midwatch.control.forgetting import left_by
        from midwatch_core.forgotten import Forgotten

        failed = await tell(Forgotten.of(filter_of(self._wanted))) if message["op"] == "forget" else ()
        return {"count": 0, "caught_up": await self._journal_is_empty(), **left_by(failed)}

    async def _journal_is_empty(self, _: float = 0.0) -> bool:
        """Nobody stores what is there: there is nothing to wait for."""
        return waiting_bytes(self._home.journal) == 0


def _is_meant(count: int) -> bool:
    """Whether a person says so. Raises ConfigError where there is none to ask."""
    if not sys.stdin.isatty():
        raise ConfigError(f"--yes is missing: exchanges that would be gone for good: {count:,}; say that it is meant")
    return count == 0 or typer.confirm(f"Exchanges that would be gone for good: {count:,}. Forget them?", err=True)


def _left_over(home: Home, *, caught_up: bool, plugins: Sequence[str]) -> int:
    """Say what was not looked at; 1 where something is left, or will be stored yet."""
    if letters := sum(1 for _ in read_dead_letters(home.journal)):
        folder = home.journal / "dead"
        print(f"midwatch: not looked at: {letters} dead letters in {folder}", file=sys.stderr)
    for name in plugins:
        print(f"midwatch: the plugin {name} may have something left of it: the log says why", file=sys.stderr)
    if caught_up:
        return 1 if plugins else 0
    print(
        "midwatch: calls are still in the journal and will be stored: forget again once Midwatch has stored them",
        file=sys.stderr,
    )
    return 1
