"""What processes take of the machine: numbers of this very process, and nothing where the system says none."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from midwatch.process_numbers import METRICS, report_processes, taken_by
from midwatch_core.host import Role
from midwatch_core.metrics import Metrics

# Linux says it; elsewhere there is nothing to tell.
SAYS = Path("/proc/self/stat").exists()


@pytest.fixture
def waiting_thread() -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()


def test_this_process_takes_what_the_system_says(waiting_thread: None, tmp_path: Path) -> None:
    before = taken_by("self")
    assert (before is not None) is SAYS
    if not SAYS:
        return
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        taken = taken_by("self")
    assert before is not None
    assert taken is not None
    assert taken.files == before.files + 2
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert taken.threads == int(status["Threads"]) >= 2
    assert taken.memory_bytes == pytest.approx(int(status["VmRSS"].split()[0]) * 1024, rel=0.2)
    assert 0 < taken.cpu_s <= sum(os.times()[:2]) + 1


def test_another_process_is_seen_by_its_number_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert (taken_by(str(other.pid)) is not None) is SAYS
    assert taken_by(str(other.pid)) is None


def test_a_role_has_its_own_values() -> None:
    metrics = Metrics()
    metrics.declare(METRICS)
    report_processes(Role.WORKER, None, metrics)
    assert {item.name for item in metrics.samples()} == ({spec.name for spec in METRICS} if SAYS else set())
    assert {item.labels for item in metrics.samples()} == ({("worker",)} if SAYS else set())
