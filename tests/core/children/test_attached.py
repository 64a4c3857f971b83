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


def test_it_is_nicer_by_so_much() -> None:
    assert _stepped(3) == [str(os.nice(0) + 3)]


def test_its_session_steps_back_with_it_where_the_kernel_groups_by_session() -> None:
    shown = (
        f"import pathlib; group = pathlib.Path({str(AUTOGROUP)!r}); print(group.exists() and group.read_text().strip())"
    )
    _, group = _stepped(3, shown)
    assert group.endswith(" nice 3") if AUTOGROUP.exists() else group == "False"
