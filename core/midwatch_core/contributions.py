"""What plugins contribute: the typed descriptors that hooks return."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from midwatch_core.model.content import Json

type AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class ResourceKind(StrEnum):
    """Kinds of YAML a plugin may bring."""

    CATALOGUE = "catalogue"
    RULES = "rules"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A YAML file of a plugin: its kind, a name for messages, and where its text is.

    `timed`: a pack whose patterns the plugin's own tests time on hostile text, so that no start need do it again.
    """

    kind: ResourceKind
    name: str
    path: Traversable | Path
    timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An ASGI application in the console's server, under `prefix` (empty for the root; longer prefixes win)."""

    prefix: str
    app: AsgiApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the command line: `run` gets the words after its name and gives the exit code (0, 1 or 2)."""

    name: str
    help: str
    run: Callable[[list[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginHealth:
    """How a plugin stands: whether the house may call itself ready, and what there is to say (JSON values)."""

    ready: bool
    facts: Mapping[str, Json] = field(default_factory=dict)
