"""Who runs in the scan pool: detectors of third parties."""

from collections.abc import Collection

from midwatch_core.hosting import Plugins

HOOKS = ("inspect_text", "inspect_exchange")


def pool_plugins(plugins: Plugins, in_loop: Collection[str]) -> tuple[str, ...]:
    """The plugins whose detectors are not to run in the proxy's own process, in calling order."""
    found = (name for hook in HOOKS for name in plugins.implementers(hook) if name not in in_loop)
    return tuple(dict.fromkeys(found))
