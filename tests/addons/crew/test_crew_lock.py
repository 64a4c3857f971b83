"""A supervisor's lock tells whether one lives, however it ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from midwatch.crew.crew_lock import hold, is_held
from midwatch.home import Home

HOLDER = """
import pathlib, subprocess, sys
from midwatch.crew.crew_lock import hold
from midwatch.home import Home
hold(Home(pathlib.Path(sys.argv[1])))
child = subprocess.Popen(["sleep", "600"], close_fds=False)
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def test_it_is_held_until_the_last_supervisor_lets_go(home: Home) -> None:
    assert not is_held(home)
    first, second = hold(home), hold(home)
    assert home.crew_lock.stat().st_mode & 0o777 == 0o600
    assert is_held(home)
    os.close(first)
    assert is_held(home)
    os.close(second)
    assert not is_held(home)


def test_one_that_is_killed_holds_it_no_more_whatever_its_children_do(home: Home) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            assert is_held(home)
            holder.kill()
            holder.wait(60)
            os.kill(child, 0)  # it lives
            assert not is_held(home)
        finally:
            os.kill(child, 9)


def test_where_it_cannot_be_known_there_may_be_one(home: Home) -> None:
    home.crew_lock.mkdir()
    assert is_held(home)
