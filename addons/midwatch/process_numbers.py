"""What our processes take of the machine, by their role: memory, threads, open files, processor time. Linux only.

Elsewhere the metrics are declared and have no values. Source: proc_pid_stat(5) and proc_pid_fd(5),
https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import os
from dataclasses import dataclass
from pathlib import Path

from midwatch.pool.pool import ScanPool
from midwatch_core.host import Role
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec

_MEMORY = "midwatch_process_resident_memory_bytes"
_THREADS = "midwatch_process_threads"
_FILES = "midwatch_process_open_fds"
_CPU = "midwatch_process_cpu_seconds_total"

METRICS = (
    MetricSpec(name=_MEMORY, kind=MetricKind.GAUGE, help="Resident memory of a role's processes", labels=("role",)),
    MetricSpec(name=_THREADS, kind=MetricKind.GAUGE, help="Threads of a role's processes", labels=("role",)),
    MetricSpec(name=_FILES, kind=MetricKind.GAUGE, help="Open files of a role's processes", labels=("role",)),
    MetricSpec(name=_CPU, kind=MetricKind.COUNTER, help="Processor time of workers and control", labels=("role",)),
)
# Fields of /proc/PID/stat behind the command's name: they begin with the third.
_USER, _SYSTEM, _THREAD_COUNT, _RESIDENT = 14 - 3, 15 - 3, 20 - 3, 24 - 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process takes. `cpu_s` is user and system time since it began."""

    memory_bytes: int
    threads: int
    files: int
    cpu_s: float


_NOTHING = Taken(memory_bytes=0, threads=0, files=0, cpu_s=0.0)


def report_processes(role: Role, pool: ScanPool | None, metrics: Metrics) -> None:
    """Set the metrics of this process, and of its scan pool's; METRICS are declared in `metrics`."""
    own = taken_by("self")
    if own is None:
        return
    _report(role, own, metrics)
    metrics.set(_CPU, own.cpu_s, (role.value,))
    if pool is not None:
        # A pool begins anew when it was lost, and its processor time with it: a counter can't tell that.
        _report(Role.POOL, (taken_by(str(pool.pid)) if pool.pid is not None else None) or _NOTHING, metrics)


def taken_by(process: str) -> Taken | None:
    """What a process takes (`self`, or its number); None where the system does not say, or it has ended."""
    folder = Path("/proc", process)
    try:
        fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        files = _open_files(folder / "fd")
    except OSError:
        return None
    return Taken(
        memory_bytes=int(fields[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE"),
        threads=int(fields[_THREAD_COUNT]),
        files=files,
        cpu_s=(int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK"),
    )


def _open_files(folder: Path) -> int:
    """Since Linux 6.2 the folder's size says it; before, its entries are counted."""
    return folder.stat().st_size or len(os.listdir(folder))  # noqa: PTH208  # a Path for each would be thrown away


def _report(role: Role, taken: Taken, metrics: Metrics) -> None:
    label = (role.value,)
    metrics.set(_MEMORY, taken.memory_bytes, label)
    metrics.set(_THREADS, taken.threads, label)
    metrics.set(_FILES, taken.files, label)
