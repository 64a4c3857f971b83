"""A process that is not let run is not one that hangs; one that is stopped is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from midwatch_core.children.patience import Patience, queued_s


@pytest.mark.parametrize(
    ("now_s", "queued", "left_s"),
    [
        pytest.param(100.0, 7.0, 10.0, id="it begins"),
        pytest.param(104.0, 7.0, 6.0, id="it was let run"),
        pytest.param(104.0, 10.0, 9.0, id="it waited for a processor"),
        pytest.param(111.0, 7.0, -1.0, id="it hangs"),
        pytest.param(200.0, 90.0, -70.0, id="it waited longer than anybody can"),
        pytest.param(104.0, 0.0, 6.0, id="it is gone"),
    ],
)
def test_a_deadline_is_later_by_what_a_process_waited_to_run(now_s: float, queued: float, left_s: float) -> None:
    patience = Patience(10.0, 20.0, now_s=100.0, queued_s=7.0)
    assert patience.left_s(now_s, queued) == left_s


def test_one_that_is_stopped_is_not_waiting_to_run() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        os.kill(busy.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, busy.pid, os.WSTOPPED)
        before = queued_s(busy.pid)
        time.sleep(0.2)
        assert queued_s(busy.pid) == before
        busy.kill()


def test_one_that_is_gone_never_waited() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert queued_s(gone.pid) == 0.0
