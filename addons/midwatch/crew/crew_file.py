"""The file in which the supervisor says how its processes do: control, which has the console, reads it there.

One that was killed leaves it behind: it counts for as long as a supervisor lives (`crew_lock`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import orjson

from midwatch.crew import crew_lock
from midwatch.home import Home, write_private


class State(StrEnum):
    """How a worker does. `LEAVING`: another has taken over, and its last calls end."""

    STARTING = "starting"
    SERVING = "serving"
    DEGRADED = "degraded"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Workers by name, and what the supervisor counted since it began.

    `stamp` is that of the snapshot it goes by; `settled` tells that all runs as that says, `problem` why it can't be.
    `console` is where the supervisor's console listens, by which its file is known from another's.
    """

    console: str = ""
    workers: Mapping[str, State] = field(default_factory=dict)
    restarts: Mapping[str, int] = field(default_factory=dict)
    replaced: Mapping[str, int] = field(default_factory=dict)
    stamp: int = 0
    settled: bool = False
    problem: str = ""

    def named(self, state: State) -> list[str]:
        """The workers in this state."""
        return sorted(name for name, its in self.workers.items() if its is state)


def write_crew(home: Home, crew: Crew) -> None:
    """Replace the file in one step, its owner's alone. Raises OSError."""
    write_private(home.crew, orjson.dumps(asdict(crew)))


def read_crew(home: Home, *, console: str) -> Crew:
    """What the supervisor with this console says; nothing where none lives, or it can't be read."""
    if not crew_lock.is_held(home):
        return Crew()
    try:
        told = orjson.loads(home.crew.read_bytes())
        found = Crew(
            console=str(told["console"]),
            workers={str(name): State(state) for name, state in told["workers"].items()},
            restarts={str(role): int(count) for role, count in told["restarts"].items()},
            replaced={str(why): int(count) for why, count in told["replaced"].items()},
            stamp=int(told["stamp"]),
            settled=bool(told["settled"]),
            problem=str(told["problem"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Crew()
    return found if found.console == console else Crew()
