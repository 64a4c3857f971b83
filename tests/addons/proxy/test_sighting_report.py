"""The report of sightings: added up, in batches, the same until they arrived, and bounded."""

from datetime import UTC, datetime, timedelta
from typing import Any

from midwatch.proxy.inventory.sighting_report import SightingReport
from midwatch_core.model.sighting import Seen, Sighting

AT = datetime(2026, 11, 26, tzinfo=UTC)


def sighting(client: str = "10.0.0.7", minute: int = 0, **changes: Any) -> Sighting:
    at = AT + timedelta(minutes=minute)
    told = {"host": "claude.ai", "tenant": "default", "seen": Seen.SNI, "first_at": at, "last_at": at}
    return Sighting(**{**told, "client": client, "connections": 1, **changes})


def test_what_is_alike_is_one_row() -> None:
    report = SightingReport()
    report.add(sighting(minute=1))
    report.add(sighting(minute=3, calls=2))
    report.add(sighting("10.0.0.8"))
    ((_, rows),) = (batch.values() for batch in report.due())
    assert [(row["client"], row["connections"], row["calls"]) for row in rows] == [
        ("10.0.0.7", 2, 2),
        ("10.0.0.8", 1, 0),
    ]
    assert (rows[0]["first_at"], rows[0]["last_at"]) == ("2026-11-26T00:01:00+00:00", "2026-11-26T00:03:00+00:00")


def test_a_batch_stays_as_it_is_until_it_has_arrived_and_what_comes_meanwhile_is_kept() -> None:
    report = SightingReport()
    report.add(sighting())
    (first,) = report.due()
    report.add(sighting())
    assert report.due() == []  # it is under way
    report.arrived("another")
    assert report.due() == []
    report.reconnected()
    assert report.due() == [first]
    report.arrived(first["id"])
    (second,) = report.due()
    assert second["id"] != first["id"]
    assert second["rows"] == first["rows"]


def test_a_batch_that_nobody_acknowledges_is_sent_again_by_and_by() -> None:
    report = SightingReport()
    report.add(sighting())
    (first,) = report.due()
    sent = [batch for _ in range(60) for batch in report.due()]
    assert sent == [first, first]


def test_the_last_heartbeat_takes_all() -> None:
    report = SightingReport()
    for number in range(450):
        report.add(sighting(f"c{number}"))
    report.due()
    batches = report.due(last=True)
    assert [len(batch["rows"]) for batch in batches] == [200, 200, 50]
    assert len({batch["id"] for batch in batches}) == 3
    assert {row["client"] for batch in batches for row in batch["rows"]} == {f"c{number}" for number in range(450)}


def test_beyond_its_room_clients_are_told_apart_no_more_and_then_lost_and_counted() -> None:
    report = SightingReport()
    for number in range(2100):
        report.add(sighting(f"c{number}"))
    rows = [row for batch in report.due(last=True) for row in batch["rows"]]
    assert len(rows) == 2001
    assert sum(row["connections"] for row in rows) == 2100
    assert [row["connections"] for row in rows if row["client"] is None] == [100]
    for number in range(5000):
        report.add(sighting(f"c{number}", host=f"h{number}"))
    assert report.lost == 1000
