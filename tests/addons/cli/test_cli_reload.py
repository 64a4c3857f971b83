"""`reload` where nothing runs says so; where something does is shown by tests/e2e/test_e2e_workers.py."""

import pytest

from midwatch.cli import main
from midwatch.home import Home


def test_where_nothing_runs_there_is_nothing_to_reload(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reload"]) == 2
    assert f"--home {home.root}: Midwatch does not run there" in capsys.readouterr().err
