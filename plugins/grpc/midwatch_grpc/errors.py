"""What a client sent that can't be understood, and who is not let in."""

from midwatch_core import MidwatchError


class UnreadableError(MidwatchError):
    """A message that is none of ours, or says what can't be. `index` is the call at fault, None for the whole."""

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class UnknownCallerError(MidwatchError):
    """No key was shown, or one that opens nothing (any more)."""


class AbsentServiceError(MidwatchError):
    """This process has no such service."""
