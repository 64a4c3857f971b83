"""What maps have in common: slots made from a delta, or from the segments that a reader finds in a whole value."""

from collections.abc import Iterable
from typing import Any

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.editing.document import value_at
from midwatch_core.wire.editing.slot import Reading, Slot
from midwatch_core.wire.node import Node, Trouble


def add_delta(found: Reading, path: str, part: Part, pointer: str, text: Any, *, json: bool = False) -> None:
    """A slot for a delta, if there is anything in it. Raises TypeError for what is no string."""
    if not text:
        return
    if type(text) is not str:
        raise TypeError(f"{path}: expected a string, found {type(text).__name__}")
    found.slots.append(Slot(path=path, part=part, pointer=pointer, text=text, json=json))


def add_whole(found: Reading, segments: Iterable[Segment], base: str, pointer: str, *, sources: str = "") -> None:
    """Slots of segments below `base`, which the event has at `pointer`.

    Where an object stands, the text is its compact JSON; strings are JSON source if their member is named `sources`.
    """
    for segment in segments:
        place = pointer + segment.path[len(base) :]
        is_source = bool(sources) and place.endswith(f"/{sources}")
        json = is_source or type(value_at(found.document, place)) is not str
        found.slots.append(
            Slot(path=segment.path, part=segment.part, pointer=place, text=segment.text, whole=True, json=json)
        )


def placed(value: Any, *keys: str | int) -> Node:
    """`value` as the node that stands at `keys` in the unstreamed answer."""
    trouble = Trouble()
    node = Node(None, trouble)
    for key in keys[:-1]:
        node = Node(None, trouble, node, key)
    return Node(value, trouble, node, keys[-1])
