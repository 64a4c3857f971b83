"""Pinned clients in control: kept in a file that outlives it, told to all workers, forgotten when somebody asks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch.control.pinned import PinnedRoom
from midwatch.home import Home
from midwatch.pinned_file import read_pinned
from midwatch_core.clock import SystemClock
from midwatch_core.errors import ConfigError
from midwatch_core.pins import Pin, pin_row


class Desk:
    """The room, and how often workers were told."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.told = 0
        self.room = self.new()

    def new(self) -> PinnedRoom:
        """As after a restart."""
        return PinnedRoom(self.home, SystemClock(), self._tell)

    async def _tell(self) -> None:
        self.told += 1

    def kept(self) -> list[Pin]:
        return read_pinned(self.home).all()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    home = Home(tmp_path)
    home.prepare()
    return Desk(home)


def pin(host: str = "api.openai.com", hours: float = 1, **changes: Any) -> Pin:
    until = datetime.now(UTC) + timedelta(hours=hours)
    return Pin(**{"client": "10.0.0.7", "host": host, "fingerprint": "f", "until": until, **changes})


async def test_what_a_worker_saw_is_written_and_told(desk: Desk) -> None:
    one = pin(process="node pinned", why="its alert")
    await desk.room.take([pin_row(one)])
    assert desk.kept() == [one]
    assert desk.told == 1
    assert desk.home.pinned.stat().st_mode & 0o777 == 0o600


async def test_a_worker_that_says_it_again_has_not_read_it_and_is_told_again(desk: Desk) -> None:
    one = pin()
    await desk.room.take([pin_row(one)])
    written = desk.home.pinned.stat().st_mtime_ns
    await desk.room.take([pin_row(one)])
    await desk.room.take([])
    assert desk.told == 2
    assert desk.home.pinned.stat().st_mtime_ns == written


async def test_pins_outlive_control_and_end_in_time(desk: Desk) -> None:
    one, ended = pin(), pin("old", hours=-1)
    await desk.room.take([pin_row(one), pin_row(ended)])
    again = desk.new()
    await again.take([pin_row(pin("another"))])
    assert [item.host for item in desk.kept()] == ["api.openai.com", "another"]


@pytest.mark.parametrize(
    ("message", "count"),
    [({}, 3), ({"host": "a"}, 2), ({"client": "c"}, 1), ({"host": "a", "client": "c"}, 1), ({"host": "x"}, 0)],
    ids=["all", "host", "client", "both", "none"],
)
async def test_they_are_forgotten_when_somebody_asks(desk: Desk, message: dict[str, str], count: int) -> None:
    await desk.room.take([pin_row(item) for item in (pin("a"), pin("a", client="c"), pin("b"))])
    assert await desk.room.answer({"op": "unpin", **message}) == {"unpinned": count}
    assert len(desk.kept()) == 3 - count
    assert desk.told == 1 + bool(count)


async def test_a_damaged_file_is_named_and_begun_anew(desk: Desk, caplog: Any) -> None:
    desk.home.pinned.write_text('{"pinned": [{"host": 7}]}')
    with pytest.raises(ConfigError, match="it can be deleted"):
        read_pinned(desk.home)
    await desk.new().take([pin_row(pin())])
    assert "it begins anew" in caplog.text
    assert len(desk.kept()) == 1


async def test_where_it_can_t_be_written_workers_are_not_told(desk: Desk, caplog: Any) -> None:
    desk.home.pinned.mkdir()
    await desk.room.take([pin_row(pin())])
    assert "could not be written" in caplog.text
    assert desk.told == 0


JUNK = st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2)
ROWS = st.lists(st.dictionaries(st.sampled_from(["host", "client", "fingerprint", "until"]), JUNK), max_size=3)


@given(ROWS)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=30)
async def test_what_is_no_pin_is_left_out(desk: Desk, rows: list[dict[str, Any]]) -> None:
    await desk.room.take(rows)
    assert desk.kept() == []
