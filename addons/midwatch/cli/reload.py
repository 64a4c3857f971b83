"""`reload`: everything is read anew; who can only read at its start is replaced, and no call fails for it."""

import asyncio
import sys
import time
from typing import Any

from midwatch.crew import crew_lock
from midwatch.crew.crew_file import Crew, read_crew
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.errors import ConfigError

# A worker needs seconds to start; with many, one after the other.
_REPLACED_S = 300.0
# Control may be about to be started again, by the very change that is to be read: it sees changed files by itself.
_CONTROL_S = 30.0
_LOOK_S = 0.2


def reload(home: Home, *, restart: bool) -> int:
    """Ask control, then wait until the supervisor has made it so; 1 where something is wrong. Raises ConfigError."""
    return asyncio.run(_reload(home, restart=restart))


async def _reload(home: Home, *, restart: bool) -> int:
    client = LineClient(home.control_socket)
    status = await _asked(home, client, {"op": "status"})
    done = await _asked(home, client, {"op": "reload", "restart": restart})
    for problem in done["problems"]:
        print(f"midwatch: {problem}; the last good one stays", file=sys.stderr)
    if status["private"]:
        print("midwatch: reloaded; what only a start can change is left for the next one", file=sys.stderr)
        return 1 if done["problems"] else 0
    crew = await _settled(home, status, int(done["stamp"]))
    if crew.problem or not crew.settled:
        print(f"midwatch: {crew.problem or 'not all is replaced yet: it goes on by itself'}", file=sys.stderr)
        return 1
    print(f"midwatch: {len(crew.workers)} processes take calls or end theirs: {_told(crew)}", file=sys.stderr)
    return 1 if done["problems"] else 0


async def _asked(home: Home, client: LineClient, question: dict[str, Any]) -> dict[str, Any]:
    """Control's answer, from the next one where it goes meanwhile. Raises ConfigError."""
    until_s = time.monotonic() + _CONTROL_S
    while True:
        try:
            answer: dict[str, Any] = await client.ask(question)
        except ControlAbsentError as error:
            if time.monotonic() >= until_s or not crew_lock.is_held(home):
                raise ConfigError(f"--home {home.root}: Midwatch does not run there, or does not answer") from error
            await asyncio.sleep(_LOOK_S)
        else:
            return answer


async def _settled(home: Home, status: dict[str, Any], stamp: int) -> Crew:
    """How the workers do, once all of them are as they are to be, or it shows that they will not.

    Control lives on for a while where the supervisor was killed: there is nobody then who would replace them.
    """
    crew = Crew()
    try:
        async with asyncio.timeout(_REPLACED_S):
            while crew_lock.is_held(home):
                crew = read_crew(home, console=str(status["console"]))
                if crew.stamp >= stamp and (crew.settled or crew.problem):
                    return crew
                await asyncio.sleep(_LOOK_S)
            return Crew(problem="its supervisor has ended: what runs ends too, and nothing is replaced")
    except TimeoutError:
        return crew


def _told(crew: Crew) -> str:
    return ", ".join(f"{name} {state.value}" for name, state in sorted(crew.workers.items()))
