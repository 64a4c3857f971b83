"""What can go wrong in the scan pool, each naming the plugin."""

from midwatch_core.children.errors import Ending
from midwatch_core.errors import MidwatchError, PluginError


class PoolError(PluginError):
    """The pool has no answer of a plugin: it raised, ended the process, is disabled, or there is no process."""


class ProcessLostError(MidwatchError):
    """The pool's process is gone, or must go. `plugin` is whose call it was in, None where it was in no one's."""

    def __init__(self, ending: Ending, message: str, *, plugin: str | None = None) -> None:
        super().__init__(message)
        self.ending = ending
        self.plugin = plugin
