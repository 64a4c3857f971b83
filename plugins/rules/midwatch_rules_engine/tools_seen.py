"""The tools that were seen: which definitions a client's tool had, by hash, so that a changed one is noticed.

Its counterpart is `ledger`, which keeps the same on disk for other processes and for the next start.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto

# A tool with more definitions than this is made anew for each call: its changes tell nothing.
_MOST_DEFINITIONS = 8


class Sight(Enum):
    """What a definition is to who has seen the tool before."""

    NEW = auto()
    KNOWN = auto()
    CHANGED = auto()
    VOLATILE = auto()


@dataclass(frozen=True, slots=True)
class Seen:
    """One definition of a tool: `tool` names it and its client, `definition` and `client` (its version) are hashes."""

    tool: str
    definition: str
    client: str


@dataclass(frozen=True, slots=True)
class _Known:
    definitions: tuple[str, ...]
    client: str


class ToolsSeen:
    """Definitions by tool; the tools not seen for longest are forgotten beyond `capacity`."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def look(self, seen: Seen) -> Sight:
        """What this definition is, before it is learned."""
        known = self._known.get(seen.tool)
        if known is None:
            return Sight.NEW
        if seen.definition in known.definitions:
            return Sight.KNOWN
        return Sight.VOLATILE if len(known.definitions) >= _MOST_DEFINITIONS else Sight.CHANGED

    def same_client(self, seen: Seen) -> bool:
        """Whether the client is of the version that last brought this tool."""
        known = self._known.get(seen.tool)
        return known is not None and known.client == seen.client

    def learn(self, seen: Seen) -> None:
        """Remember a definition; a volatile tool's are not remembered any more."""
        known = self._known.pop(seen.tool, None) or _Known((), seen.client)
        definitions = known.definitions
        if seen.definition not in definitions and len(definitions) < _MOST_DEFINITIONS:
            definitions = (*definitions, seen.definition)
        self._known[seen.tool] = _Known(definitions, seen.client)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)

    def all(self) -> list[Seen]:
        """Everything remembered, the tools seen last at the end."""
        return [
            Seen(tool, definition, known.client)
            for tool, known in self._known.items()
            for definition in known.definitions
        ]
