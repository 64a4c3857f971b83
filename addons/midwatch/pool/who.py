"""Who runs in the scan pool: detectors of third parties."""

from collections.abc import Collection, Iterator

from midwatch_core.hosting import Plugins

HOOKS = ("inspect_text", "inspect_exchange")
# What can't be asked there: it is asked in the proxy's own process, or not at all.
OWN_PROCESS_HOOKS = ("inspect_delta", "classify_text", "weigh", "mask")


def pool_plugins(plugins: Plugins, in_loop: Collection[str]) -> tuple[str, ...]:
    """The plugins whose detectors are not to run in the proxy's own process, in calling order."""
    hooks = (*HOOKS, *OWN_PROCESS_HOOKS)
    found = (name for hook in hooks for name in plugins.implementers(hook) if name not in in_loop)
    return tuple(dict.fromkeys(found))


def unasked(plugins: Plugins, away: Collection[str]) -> Iterator[tuple[str, str]]:
    """Plugins in the pool with a hook that is not asked for there, and that hook."""
    for hook in OWN_PROCESS_HOOKS:
        yield from ((name, hook) for name in plugins.implementers(hook) if name in away)
