"""`migrate`: the stores' schemas; how they stand, forward, back."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch.cli.printing import print_json, print_table, visible
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.schemas import STORES, Standing, migrations_of, standing, standings
from midwatch.settings import resolve
from midwatch_core.errors import ConfigError, MidwatchError, StorageError
from midwatch_core.hosting import Plugins
from midwatch_core.secret_text import without_secrets
from midwatch_core.storage import StorageProfile, storage_profile

NOTHING = "nothing"


class MigrateError(MidwatchError):
    """The schemas can't be changed now; the message says why."""


class Stores:
    """The stores that a configuration names, or the one asked for. Raises ConfigError where that is none."""

    def __init__(self, home: Home, config_file: Path | None, only: str | None) -> None:
        if only is not None and only not in STORES:
            raise ConfigError(f"--only {only}: there are {', '.join(STORES)}")
        settings = resolve(home, config_file=config_file, flags={})
        self.names: Sequence[str] = STORES if only is None else (only,)
        self.plugins: Plugins = settings.plugins
        self.profile: StorageProfile = storage_profile(settings.config, home.root)

    async def standings(self) -> list[Standing]:
        """How they stand."""
        return await standings(self.plugins, self.profile, self.names)

    async def up(self) -> list[dict[str, Any]]:
        """Apply what is pending, store by store; one that fails does not keep the others from it."""
        return [await self._moved(name, down=False, to=None) for name in self.names]

    async def down(self, to: str | None) -> list[dict[str, Any]]:
        """Undo revisions."""
        return [await self._moved(name, down=True, to=to) for name in self.names]

    async def _moved(self, name: str, *, down: bool, to: str | None) -> dict[str, Any]:
        error: str | None = None
        done: tuple[str, ...] = ()
        try:
            async with migrations_of(self.plugins, self.profile, name) as migrations:
                if migrations is not None:
                    done = await (migrations.down(to) if down else migrations.up())
        except StorageError as failed:
            error = without_secrets(str(failed), getattr(self.profile, name))
        row = _row(await standing(self.plugins, self.profile, name))
        return row | {"done": list(done), "error": error or row["error"]}


def show_status(home: Home, config_file: Path | None, *, only: str | None, as_json: bool) -> int:
    """Print how each schema stands; 1 where one could not be asked."""
    found = asyncio.run(Stores(home, config_file, only).standings())
    _print([_row(item) for item in found], as_json=as_json)
    return 1 if any(item.error for item in found) else 0


def check(home: Home, config_file: Path | None, *, only: str | None, as_json: bool) -> int:
    """The same; 1 also where something is pending or wrong."""
    found = asyncio.run(Stores(home, config_file, only).standings())
    _print([_row(item) for item in found], as_json=as_json)
    return 1 if any(item.trouble for item in found) else 0


def up(home: Home, config_file: Path | None, *, only: str | None, as_json: bool) -> int:
    """Bring all schemas up to date; 1 where one is not."""
    home.prepare()
    rows = asyncio.run(Stores(home, config_file, only).up())
    _print(rows, as_json=as_json)
    return 1 if any(row["error"] or row["problem"] or row["pending"] for row in rows) else 0


def down(home: Home, config_file: Path | None, *, only: str | None, to: str | None, sure: bool, as_json: bool) -> int:
    """Go back to a revision, or to nothing: what later revisions brought is lost. 1 where one can't."""
    if to is None:
        raise ConfigError(f"--to is missing: a revision, or {NOTHING} to remove all that is kept")
    if to != NOTHING and only is None:
        raise ConfigError(f"--to {to}: revisions belong to one store; say which by --only {' or '.join(STORES)}")
    if not sure:
        raise ConfigError("--yes is missing: going back removes data, so say that it is meant")
    stores = Stores(home, config_file, only)
    asyncio.run(_refuse_while_running(home))
    rows = asyncio.run(stores.down(None if to == NOTHING else to))
    _print(rows, as_json=as_json)
    return 1 if any(row["error"] for row in rows) else 0


async def _refuse_while_running(home: Home) -> None:
    with suppress(ControlAbsentError):
        await LineClient(home.control_socket).ask({"op": "status"}, timeout_s=3.0)
        raise MigrateError(f"Midwatch runs in {home.root} and uses these stores; stop it first")


def _row(item: Standing) -> dict[str, Any]:
    state = item.state
    return {
        "store": item.store,
        "url": item.url,
        "current": state.current if state else None,
        "head": state.head if state else None,
        "pending": list(state.pending) if state else [],
        "problem": state.problem if state else None,
        "error": item.error,
    }


def _print(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        columns = ("store", "schema", "what", "url")
        print_table(
            "", columns, [[row["store"], _place(row), visible(_says(row)), visible(row["url"])] for row in rows]
        )


def _place(row: dict[str, Any]) -> str:
    return "-" if row["head"] is None else str(row["current"] or NOTHING)


def _says(row: dict[str, Any]) -> str:
    if trouble := row["error"] or row["problem"]:
        return str(trouble)
    if row["head"] is None:
        return "has no schema"
    done = f"done: {', '.join(row['done'])}; " if row.get("done") else ""
    return done + (f"pending: {', '.join(row['pending'])}" if row["pending"] else "up to date")
