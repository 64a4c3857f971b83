"""Migrations: the schema's revisions applied step by step, and a log of them in the database.

Steps may be repeated, so that several processes may do the same at once, and a migration that was cut short is
finished by running it again.
"""

from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.layout import Layout
from midwatch_clickhouse.schema import HEAD, LOG, REVISIONS, Revision
from midwatch_core import SchemaError, SchemaState, StorageError

_LATEST = f"SELECT revision, argMax(step, at) FROM {LOG.name} GROUP BY revision"  # noqa: S608  # ours
_NOTE = f"INSERT INTO {LOG.name} (revision, step) SELECT {{revision:String}}, {{step:String}}"
_EXISTS = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = {table:String}"
_NAMES = tuple(revision.name for revision in REVISIONS)


class ClickHouseMigrations:
    """The Migrations of a ClickHouse database."""

    def __init__(self, connection: Connection, layout: Layout) -> None:
        self._connection = connection
        self._layout = layout

    async def state(self) -> SchemaState:
        """How it stands; a newer schema than this version knows, or half a migration, is a `problem`."""
        await self._connection.open()
        return state_of(await self._log())

    async def up(self) -> tuple[str, ...]:
        """Apply what is pending, and finish what was cut short; the revisions applied. Raises StorageError."""
        state = await self.state()
        self._check_known(state)
        for statement in self._layout.create(LOG):
            await self._connection.command(statement)
        for name in state.pending:
            # Another process may have been quicker, and write already. Half a migration is done whole again.
            if state.problem is not None or (await self._log()).get(name) != "done":
                await self._apply(_revision(name), "begin", "done")
        return state.pending

    async def down(self, revision: str | None) -> tuple[str, ...]:
        """Go back to `revision`, or with None to nothing; the revisions undone. Raises StorageError."""
        if revision is not None and revision not in _NAMES:
            raise StorageError(f"{revision!r} is no revision; known are {', '.join(_NAMES)}")
        await self._connection.open()
        log = await self._log()
        self._check_known(state_of(log))
        keep = 0 if revision is None else _NAMES.index(revision) + 1
        undone = tuple(name for name in reversed(_NAMES[keep:]) if log.get(name, "undone") != "undone")
        for name in undone:
            await self._apply(_revision(name), "undo", "undone")
        return undone

    async def _log(self) -> dict[str, str]:
        parameters = {"database": self._layout.database, "table": LOG.name}
        ((there,),) = await self._connection.rows(_EXISTS, parameters)
        if not there:
            return {}
        return {str(name): str(step) for name, step in await self._connection.rows(_LATEST)}

    def _check_known(self, state: SchemaState) -> None:
        if state.current is not None and state.current not in _NAMES:
            raise SchemaError(f"{self._connection.address.shown}: {state.problem}")

    async def _apply(self, revision: Revision, begun: str, done: str) -> None:
        await self._connection.command(_NOTE, {"revision": revision.name, "step": begun})
        steps = revision.up(self._layout) if begun == "begin" else revision.down(self._layout)
        for step in steps:
            await self._connection.command(step.statement, settings=step.settings)
        await self._connection.command(_NOTE, {"revision": revision.name, "step": done})


def state_of(log: dict[str, str]) -> SchemaState:
    """The state that the latest step of each revision tells."""
    newer = sorted(name for name, step in log.items() if name not in _NAMES and step != "undone")
    if newer:
        written = f"written by a newer Midwatch (at {newer[-1]}, this one knows {HEAD}): update Midwatch"
        return SchemaState(current=newer[-1], head=HEAD, problem=written)
    applied = 0
    while applied < len(_NAMES) and log.get(_NAMES[applied]) == "done":
        applied += 1
    cut_short = next((name for name in _NAMES if log.get(name) in ("begin", "undo")), None)
    problem = (
        f"{cut_short} was begun and not finished, and can be: run `midwatch migrate up` again" if cut_short else None
    )
    current = _NAMES[applied - 1] if applied else None
    return SchemaState(current=current, head=HEAD, pending=_NAMES[applied:], problem=problem)


def _revision(name: str) -> Revision:
    return next(revision for revision in REVISIONS if revision.name == name)
