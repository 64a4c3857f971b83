"""How long a process may take: on a machine that is busy with others, one that is not let run is not one that hangs."""

from pathlib import Path

_NANOSECOND_S = 1e-9


class Patience:
    """Ends `deadline_s` after it began, later by what the process waited for a processor: `starved_s` more at most.

    Clocks are arguments: `now_s`, and `queued_s`, the seconds that the process has waited since it began.
    """

    def __init__(self, deadline_s: float, starved_s: float, *, now_s: float, queued_s: float) -> None:
        self._until_s = now_s + deadline_s
        self._starved_s = starved_s
        self._queued_s = queued_s

    def left_s(self, now_s: float, queued_s: float) -> float:
        """Seconds to its end; none left where it is not above zero."""
        return self._until_s - now_s + min(max(0.0, queued_s - self._queued_s), self._starved_s)


def queued_s(pid: int) -> float:
    """How long the main thread of a process was ready to run and did not; 0 where the system does not tell.

    One that is stopped, or sleeps, is not ready. Source: the second figure of /proc/PID/schedstat,
    https://docs.kernel.org/scheduler/sched-stats.html.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[1]) * _NANOSECOND_S
    except (OSError, IndexError, ValueError):
        return 0.0
