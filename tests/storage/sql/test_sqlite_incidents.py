"""How SQLite goes about incidents: by an index, and never by reading those that are over to find those that are not."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from midwatch_core.cursor import encode_cursor
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.incident import IncidentState
from midwatch_core.ports import Scope
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.testing.incidents_contract import make_incident
from midwatch_sql import open_metadata
from midwatch_sql.dialogue import Dialogue
from midwatch_sql.metadata_incidents import forget_incidents, incidents

GOING_ON = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})
ASKED = {
    "all": (IncidentFilter(), "incidents_by_beginning"),
    "open": (IncidentFilter(states=frozenset({IncidentState.OPEN})), "incidents_by_end (resolved_at=?"),
    "acknowledged": (IncidentFilter(states=frozenset({IncidentState.ACKNOWLEDGED})), "incidents_by_end (resolved_at=?"),
    "going on": (IncidentFilter(states=GOING_ON), "incidents_by_end (resolved_at=?"),
    "tenant": (IncidentFilter(tenant="acme"), "incidents_by_tenant (tenant=?"),
    "fingerprint": (IncidentFilter(fingerprint="f"), "incidents_by_fingerprint (fingerprint=?"),
}


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    repository = open_metadata(f"sqlite:///{tmp_path}/midwatch.db")
    assert repository is not None
    await repository.start()
    await repository.keep_incident(make_incident("i"))
    await repository.close()
    connection = sqlite3.connect(tmp_path / "midwatch.db")
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, dialogue: Dialogue[object]) -> list[str]:
    """The plan of a dialogue's first statement."""
    statement = next(dialogue)
    dialogue.close()
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values)]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("cursor", [None, encode_cursor(BEGINNING, "i")], ids=["first", "later"])
def test_a_page_comes_from_an_index_in_its_order(
    connection: sqlite3.Connection, asked: str, cursor: str | None
) -> None:
    wanted, index = ASKED[asked]
    (step,) = plan(connection, incidents(Scope(), wanted, 10, cursor))
    assert index in step


def test_those_that_ended_are_found_by_their_end(connection: sqlite3.Connection) -> None:
    (step,) = plan(connection, forget_incidents(BEGINNING, None))
    assert "COVERING INDEX incidents_by_end (resolved_at<?)" in step
