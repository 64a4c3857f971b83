"""What is wrong with the installation just now, as notices: from the parts of its health."""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch_core import Health

_MOST = 10
_GRAVE = frozenset({"high", "critical"})
_FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line; `since` is a moment as its part wrote it, empty where it did not."""

    text: str
    grave: bool
    since: str = ""


def notices_of(health: Health) -> list[Notice]:
    """The troubles that are not over, and what else is not as it should be; the first few."""
    found = [*_told(health), *_seen(health), *_models(health)]
    return found[:_MOST]


def _told(health: Health) -> Iterator[Notice]:
    troubles = health.parts.get("troubles")
    for item in troubles if isinstance(troubles, list) else ():
        if isinstance(item, dict):
            grave = item.get("severity") in _GRAVE
            yield Notice(text=str(item.get("title", "")), grave=grave, since=str(item.get("since", "")))


def _seen(health: Health) -> Iterator[Notice]:
    """What nobody raised an alert for: in the first seconds of it."""
    if health.started and not health.ready and not health.parts.get("troubles"):
        yield Notice(text="The installation is not ready: its parts are told at /readyz.", grave=True)


def _models(health: Health) -> Iterator[Notice]:
    """Models that can't be had: calls go on without them."""
    plugins = health.parts.get("plugins")
    for facts in plugins.values() if isinstance(plugins, dict) else ():
        models = facts.get("models") if isinstance(facts, dict) else None
        for name, told in models.items() if isinstance(models, dict) else ():
            if isinstance(told, dict) and told.get("state") == _FAILED:
                yield Notice(text=f"The model {name} does not run: the page of models says why.", grave=False)
