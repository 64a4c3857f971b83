"""What can go wrong with a model."""

from midwatch_core.errors import PluginError


class ModelError(PluginError):
    """A model could not be loaded, was lost, or has no answer.

    `message` is for people: it names the file or the setting, and what would be right there.
    """

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(plugin, message)
        self.message = message
