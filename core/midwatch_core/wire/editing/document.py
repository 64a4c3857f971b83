"""An event's document: values by JSON Pointer, the event with new texts, and events moulded on another."""

from collections.abc import Collection, Sequence
from typing import Any

from midwatch_core.body_edits import Edit, Replacement, UnsafeEditError, edit_body
from midwatch_core.model.content import Json
from midwatch_core.wire.editing.errors import StreamCut
from midwatch_core.wire.editing.slot import Slot
from midwatch_core.wire.jsontext import compact, load


def value_at(document: Any, pointer: str) -> Any:
    """The value at `pointer`. Raises KeyError, IndexError, ValueError or TypeError where there is none."""
    value = document
    for key in _keys(pointer):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def put(document: Any, pointer: str, value: Json) -> None:
    """Set the value at `pointer`, whose parents exist."""
    parent, _, key = pointer.rpartition("/")
    holder = value_at(document, parent)
    holder[int(key) if isinstance(holder, list) else _plain(key)] = value


def edited(
    data: bytes, document: Any, changes: Sequence[tuple[Slot, str]], shadows: Sequence[tuple[str, Json]]
) -> bytes:
    """`data` with the new texts, and `document` (which is `data`, read) brought to the same state.

    Bytes outside the texts are kept where that is safe; otherwise the event is written anew. Raises StreamCut where a
    new text can't be put in its place: it must not go out unedited.
    """
    # As most providers write: then writing the edited document keeps all other bytes too, at a fraction of the cost.
    plain = compact(document).encode() == data
    for slot, new in changes:
        put(document, slot.pointer, _value(document, slot, new))
    for pointer, value in shadows:
        put(document, pointer, value)
    if not plain and not shadows:
        try:
            return edit_body(data, [_edit(slot, new) for slot, new in changes])
        except UnsafeEditError:
            pass
    written = compact(document)
    if not written:
        raise StreamCut("an event could not be written with its texts edited")
    return written.encode()


def mould(
    document: Any, texts: Sequence[tuple[Slot, str]], *, envelope: Collection[str], kept: Collection[str]
) -> dict[str, Any]:
    """The event cut down to new texts at some slots, with `envelope` members at its top and `kept` ones on the way."""
    below: dict[str, Any] = _branch(document, [(_keys(slot.pointer), text) for slot, text in texts], kept)
    return {key: document[key] for key in envelope if key in document} | below


def _branch(value: Any, texts: Sequence[tuple[list[str], str]], kept: Collection[str]) -> Any:
    if not texts[0][0]:
        return texts[0][1]
    below: dict[str, list[tuple[list[str], str]]] = {}
    for (key, *rest), text in texts:
        below.setdefault(key, []).append((rest, text))
    if isinstance(value, list):
        return [_branch(value[int(key)], inner, kept) for key, inner in below.items()]
    branches = {key: _branch(value[key], inner, kept) for key, inner in below.items()}
    return {name: value[name] for name in kept if name in value} | branches


def _value(document: Any, slot: Slot, new: str) -> Json:
    if isinstance(value_at(document, slot.pointer), str):
        return new
    try:
        value: Json = load(new.encode("utf-8", "replace"))
    except ValueError as error:
        raise StreamCut("a tool call's arguments are no JSON after their edit") from error
    return value


def _edit(slot: Slot, new: str) -> Edit:
    """The change as the shortest span, so that what stands around it keeps its spelling."""
    old = slot.text
    start = _common(old, new)
    tail = _common(old[start:][::-1], new[start:][::-1])
    change = Replacement(start=start, end=len(old) - tail, text=new[start : len(new) - tail])
    return Edit(path=slot.pointer, text=old, replacements=(change,))


def _common(one: str, other: str) -> int:
    """How many code points two texts begin with together."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # halving: the slices compared are as long as the texts, together
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _keys(pointer: str) -> list[str]:
    return [_plain(key) for key in pointer.split("/")[1:]]


def _plain(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")
