"""Change by copying, for the hot path: what `dataclasses.replace` gives, in about half its time."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

type _Slots = dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]]
_SLOTS: dict[type[Any], _Slots] = {}


def changed[T](item: T, **changes: object) -> T:
    """A copy of a frozen, slotted dataclass with some fields changed; its `__post_init__`, if any, is not run.

    Raises KeyError for a name that is no field.
    """
    kind: type[Any] = type(item)
    slots = _SLOTS.get(kind) or _SLOTS.setdefault(kind, _slots_of(kind))
    copy: T = object.__new__(kind)
    for read, write in slots.values():
        write(copy, read(item))
    for name, value in changes.items():
        slots[name][1](copy, value)
    return copy


def _slots_of(kind: type[Any]) -> _Slots:
    """Each field's slot as (read, write): a slot is written past the `__setattr__` that keeps its class frozen."""
    slots = {field.name: getattr(kind, field.name) for field in fields(kind)}
    return {name: (slot.__get__, slot.__set__) for name, slot in slots.items()}
