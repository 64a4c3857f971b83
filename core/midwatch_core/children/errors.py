"""How a process of another's is lost."""

from enum import StrEnum

from midwatch_core.errors import MidwatchError


class Ending(StrEnum):
    """Why it was."""

    HANG = "hang"
    CRASH = "crash"
    MEMORY = "memory"
    START = "start"
    IDLE = "idle"


class ChildLostError(MidwatchError):
    """The process is gone, or must go: nothing more will come of it."""

    def __init__(self, ending: Ending, message: str) -> None:
        super().__init__(message)
        self.ending = ending
