"""Sightings as rows: what a worker tells comes out as it went in, and nothing else does."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.sighting_rows import sighting_of, sighting_row

AT = datetime(2026, 11, 26, 1, tzinfo=UTC)
TEXT = st.text(min_size=1, max_size=30)
COUNT = st.integers(0, (1 << 53) - 1)
SIGHTINGS = st.builds(
    Sighting,
    host=TEXT,
    tenant=TEXT,
    seen=st.sampled_from(Seen),
    known=st.booleans(),
    first_at=st.just(AT),
    last_at=st.just(AT),
    connections=COUNT,
    calls=COUNT,
    **dict.fromkeys(("provider", "client", "app", "user_agent", "process", "container"), st.none() | TEXT),
)


@given(SIGHTINGS)
def test_a_row_gives_the_sighting_back(sighting: Sighting) -> None:
    assert sighting_of(sighting_row(sighting)) == sighting


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", ""),
        ("host", 7),
        ("seen", "guessed"),
        ("last_at", "2026-11-26T01:00:00"),
        ("first_at", None),
        ("calls", -1),
        ("calls", 1.5),
        ("connections", True),
        ("connections", 1 << 60),
        ("client", 7),
    ],
)
def test_what_is_no_sighting_is_refused(key: str, value: Any) -> None:
    row = sighting_row(Sighting(host="h", tenant="t", seen=Seen.SNI, first_at=AT, last_at=AT))
    with pytest.raises((TypeError, ValueError)):
        sighting_of({**row, key: value})


def test_long_texts_of_strangers_are_cut() -> None:
    row = sighting_row(Sighting(host="h", tenant="t", seen=Seen.SNI, first_at=AT, last_at=AT, user_agent="x" * 9999))
    assert len(sighting_of(row).user_agent or "") == 300
