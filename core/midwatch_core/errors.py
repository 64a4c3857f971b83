"""The errors of Midwatch: whose fault it is, and what would be right."""


class MidwatchError(Exception):
    """Base of all errors of ours."""


class ConfigError(MidwatchError):
    """A setting is wrong: the message is one line naming file (or variable, or flag), key and what would be right."""


class PluginError(MidwatchError):
    """A plugin failed; `plugin` names it. It is skipped, shown in `plugins list` and counted."""

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"plugin {plugin}: {message}")
        self.plugin = plugin


class BusyError(PluginError):
    """A plugin has too much to do to take more: it was not asked, and that is no fault of its."""


class StorageError(MidwatchError):
    """A repository refused what it was given: trying the same again will not help."""


class StorageUnavailableError(StorageError):
    """A repository can't be reached or is out of room for now: the same call may go through later."""


class SchemaError(StorageError):
    """A repository's schema is not the one this version works with: the message says what to run."""
