"""Opening a store by its URL as an installed Midwatch does: for the tests of those who bring one."""

from midwatch_core.hosting import Plugins
from midwatch_core.ports import TraceRepository
from midwatch_core.storage import StorageProfile, open_traces


def installed_traces(url: str) -> TraceRepository:
    """The trace repository that the installed plugins open for `url`, not yet started. Raises ConfigError."""
    plugins = Plugins()
    plugins.discover()
    plugins.activate({})
    return open_traces(plugins, StorageProfile(traces=url, metadata="memory://", cache="memory://"))
