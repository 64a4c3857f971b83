"""Where the texts of a streamed event stand, and which texts end with it: what a dialect's map says of one event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.refusal import Refusal

# Closes every text of the answer.
ALL = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One text, or a piece of one, in one event.

    `path` is the segment's: the place in the equivalent unstreamed body. `pointer` is the place in the event's own
    document; what stands there is a string or, for a tool's arguments, the object of which `text` is the compact JSON.
    `whole` means that the event carries all of the text and not a delta of it; `json` that the text is JSON source.
    """

    path: str
    part: Part
    pointer: str
    text: str
    whole: bool = False
    json: bool = False


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a map found in one event, in the event's order.

    `closes` names the texts that end with it: a path, all below a path that ends in `/`, or `ALL`. `shadows` are places
    that repeat a text in another form (log probabilities), each with what stands there when a text is edited.
    """

    document: Any
    slots: list[Slot] = field(default_factory=list)
    closes: list[str] = field(default_factory=list)
    shadows: list[tuple[str, Json]] = field(default_factory=list)


class StreamMap(Protocol):
    """One streamed answer as an editor sees it; one object an answer. Both `read` and `sent` may raise what
    `StreamReader.event` may, for an event of an unknown shape: it then passes as it is.
    """

    def read(self, name: str, data: bytes) -> Reading:
        """Find the texts of the next event as the provider sent it."""
        ...

    def sent(self, name: str, document: Any) -> None:
        """An event went out to the client, edited or not: `end` closes what such events have opened."""
        ...

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """An event that adds these texts behind these slots, the last deltas of their paths, and nothing else.

        All the slots are of `document`: what the provider sent in one event (a reasoning under two names) stays so.
        """
        ...

    def end(self, refusal: Refusal) -> Iterable[tuple[str, bytes]]:
        """The events that end the stream now, in the provider's own way; nothing where it has ended already."""
        ...
