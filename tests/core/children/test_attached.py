"""A process that belongs to another steps back behind it, also where the kernel looks at sessions first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STEP = "import os; from midwatch_core.children.attached import step_back; step_back({}); print(os.nice(0))"
AUTOGROUP = Path("/proc/self/autogroup")


def _stepped(by: int, *then: str) -> list[str]:
    code = "; ".join([STEP.format(by), *then])
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_it_is_as_nice_as_that_at_least() -> None:
    assert _stepped(3) == [str(max(3, os.nice(0)))]
    assert _stepped(7, STEP.format(3)) == [str(max(7, os.nice(0)))] * 2


def test_at_the_lowest_it_has_the_time_that_nobody_wants() -> None:
    shown = "print(hasattr(os, 'SCHED_IDLE') and os.sched_getscheduler(0) == os.SCHED_IDLE)"
    assert _stepped(19, shown) == ["19", str(hasattr(os, "SCHED_IDLE"))]
    assert _stepped(18, shown)[1] == "False"


def test_its_session_steps_back_with_it_where_the_kernel_groups_by_session() -> None:
    shown = (
        f"import pathlib; group = pathlib.Path({str(AUTOGROUP)!r}); print(group.exists() and group.read_text().strip())"
    )
    _, group = _stepped(3, shown)
    assert group.endswith(" nice 3") if AUTOGROUP.exists() else group == "False"
