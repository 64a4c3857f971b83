"""The supervisor's file: what is written is read, by control of the same supervisor alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from midwatch.crew.crew_file import Crew, State, read_crew, write_crew
from midwatch.crew.crew_lock import hold
from midwatch.home import Home, write_private

CREW = Crew(
    console="127.0.0.1:8082",
    workers={"w0": State.SERVING, "w0b": State.LEAVING, "w1": State.DEGRADED},
    restarts={"worker": 3, "control": 0},
    replaced={"settings": 1, "memory": 0, "age": 0},
    stamp=7,
    settled=True,
    problem="w1 stays as it is",
)


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    """A home where no supervisor lives."""
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def home(empty: Home) -> Iterator[Home]:
    lock = hold(empty)
    yield empty
    os.close(lock)


def test_what_is_written_is_read(home: Home) -> None:
    write_crew(home, CREW)
    assert read_crew(home, console=CREW.console) == CREW
    assert CREW.named(State.DEGRADED) == ["w1"]
    assert home.crew.stat().st_mode & 0o777 == 0o600


def test_another_supervisors_is_nobodys(home: Home) -> None:
    write_crew(home, CREW)
    assert read_crew(home, console="127.0.0.1:9") == Crew()


def test_a_dead_ones_is_nobodys(empty: Home) -> None:
    write_crew(empty, CREW)
    assert read_crew(empty, console=CREW.console) == Crew()


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"\xff", orjson.dumps({"console": "127.0.0.1:8082", "workers": {"w0": "asleep"}})]
)
def test_what_is_none_is_nobodys(home: Home, text: bytes) -> None:
    assert read_crew(home, console=CREW.console) == Crew()
    write_private(home.crew, text)
    assert read_crew(home, console=CREW.console) == Crew()
