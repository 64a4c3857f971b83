"""Keeping incidents: what a store refuses is given up, what waits is bounded, and notes of any kind are survived."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from midwatch.control.incidents.keeping import COUNT_S, Keeping
from midwatch.control.incidents.notes import IncidentNotes
from midwatch_core.errors import StorageError
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.incident_house import NOW, Time


def incident(number: int = 1, *, count: int = 1) -> Incident:
    return Incident(
        id=f"i{number}",
        fingerprint=f"f{number}",
        category="anomaly",
        severity=Severity.HIGH,
        title=f"number {number}",
        began_at=NOW,
        last_at=NOW,
        tenant="acme",
        count=count,
    )


class Picky(MemoryMetadata):
    """A store that will not have one title."""

    async def keep_incident(self, incident: Incident) -> Incident:
        if incident.title == "number 1":
            raise StorageError("too odd a title")
        return await super().keep_incident(incident)


class Kept:
    def __init__(self, file: Path, metadata: MemoryMetadata | None = None) -> None:
        self.file = file
        self.metadata = metadata or MemoryMetadata()
        self.time = Time()
        self.stands: list[Incident] = []
        self.keeping = Keeping(self.metadata, IncidentNotes(file), self.time, self.stands.append)

    def noted(self) -> set[str]:
        return set(orjson.loads(self.file.read_bytes()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "incidents.open"


async def test_what_the_store_will_not_have_is_given_up_and_the_others_are_kept(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept(file, Picky())
    await kept.metadata.start()
    kept.keeping.note(incident(1), None, soon=True)
    kept.keeping.note(incident(2), None, soon=True)
    assert [await kept.keeping.keep() for _ in range(6)] == [False] * 4 + [True] * 2
    assert [item.id for item in kept.stands] == ["i2"]
    assert "the store does not have how the alert stands (number 1): too odd a title" in caplog.text


async def test_beyond_a_bound_those_that_waited_longest_are_lost_to_the_store(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept(file)
    for number in range(10_002):
        kept.keeping.note(incident(number), None, soon=False)
    assert [line for line in ("number 0", "number 1", "number 2") if f"({line})" in caplog.text] == [
        "number 0",
        "number 1",
    ]


async def test_how_the_store_has_it_is_told_back(file: Path) -> None:
    kept = Kept(file)
    await kept.metadata.start()
    taken_on = replace(incident(), acknowledged_at=NOW, acknowledged_by="key-1")
    await kept.metadata.keep_incident(taken_on)
    kept.keeping.note(incident(count=5), None, soon=True)
    await kept.keeping.keep()
    assert kept.stands == [replace(taken_on, count=5)]


async def test_what_is_open_is_noted_before_it_is_kept_until_its_end_is_kept(file: Path) -> None:
    kept = Kept(file)  # the store is not open yet
    kept.keeping.note(incident(1), NOW + timedelta(hours=1), soon=True)
    kept.keeping.note(incident(2), None, soon=True)
    assert not await kept.keeping.keep()
    assert IncidentNotes(file).read() == {"i1": NOW + timedelta(hours=1), "i2": None}
    await kept.metadata.start()
    kept.keeping.note(replace(incident(1), resolved_at=NOW), None, soon=True)
    await kept.keeping.keep()
    await kept.keeping.keep()
    assert kept.noted() == {"i2"}


async def test_an_expiry_that_moves_is_noted_now_and_then(file: Path) -> None:
    kept = Kept(file)
    kept.keeping.note(incident(), NOW, soon=True)
    await kept.keeping.keep()
    kept.keeping.note(incident(), NOW + timedelta(hours=1), soon=True)
    await kept.keeping.keep()
    assert IncidentNotes(file).read() == {"i1": NOW}
    kept.time.passed_s = COUNT_S
    await kept.keeping.keep()
    assert IncidentNotes(file).read() == {"i1": NOW + timedelta(hours=1)}


async def test_a_home_that_cannot_be_written_keeps_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept(tmp_path / "no such folder" / "incidents.open")
    await kept.metadata.start()
    kept.keeping.note(incident(), None, soon=True)
    assert await kept.keeping.keep()
    assert [item.id for item in kept.stands] == ["i1"]
    assert "which alerts are open can't be noted" in caplog.text


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"7", b'{"i": 7}', b'{"i": "soon"}', b'{"i": "2026-11-26T09:00:00"}', b"\xff" * 99],
    ids=range(8),
)
def test_notes_that_are_none_of_ours_say_nothing(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    assert IncidentNotes(file).read() == {}


def test_notes_come_back_as_they_were_written(file: Path) -> None:
    expiries = {"i1": datetime(2026, 11, 26, 9, 0, 0, 123456, tzinfo=UTC), "i2": None}
    IncidentNotes(file).write(expiries)
    assert IncidentNotes(file).read() == expiries
    assert file.stat().st_mode & 0o777 == 0o600
