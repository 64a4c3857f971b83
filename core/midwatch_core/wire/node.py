"""Tolerant reading of a JSON document: a node knows its place, answers in the type asked for, and never raises."""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.credentials import without_credentials
from midwatch_core.wire.jsontext import compact

# What JSON's readers agree on, and far above any count.
_MAX_WHOLE = 2**53


@dataclass(slots=True)
class Trouble:
    """Where reading first met something else than the format promises."""

    first: str | None = None

    def note(self, message: str) -> None:
        """Keep `message` if it is the first."""
        if self.first is None:
            self.first = message


class Node:
    """A value in a document, with its JSON Pointer and the document's trouble.

    A missing or null value is falsy and answers None (or nothing) to every question, silently: optional fields are
    the rule in these formats. A value of another type than asked for answers the same, and is noted as trouble.
    """

    __slots__ = ("_key", "_parent", "_trouble", "value")

    def __init__(
        self, value: Json, trouble: Trouble, parent: "Node | None" = None, key: str | int | None = None
    ) -> None:
        self.value = value
        self._trouble = trouble
        self._parent = parent
        self._key = key

    @property
    def path(self) -> str:
        """JSON Pointer (RFC 6901) of this value; the empty string is the whole document."""
        if self._parent is None:
            return ""
        key = str(self._key)
        if "~" in key or "/" in key:
            key = key.replace("~", "~0").replace("/", "~1")
        return f"{self._parent.path}/{key}"

    def __bool__(self) -> bool:
        return self.value is not None

    def __getitem__(self, key: str) -> "Node":
        """The member `key` of an object."""
        value = self.value
        if type(value) is dict:
            return Node(value.get(key), self._trouble, self, key)
        if value is not None:
            self.wrong("an object")
        return Node(None, self._trouble, self, key)

    def __iter__(self) -> Iterator["Node"]:
        """The items of an array; nothing for null."""
        value = self.value
        if type(value) is list:
            for index, item in enumerate(value):
                yield Node(item, self._trouble, self, index)
        elif value is not None:
            self.wrong("an array")

    def members(self) -> Iterator[tuple[str, "Node"]]:
        """The members of an object, in their order."""
        value = self.value
        if type(value) is dict:
            for key, item in value.items():
                yield key, Node(item, self._trouble, self, key)
        elif value is not None:
            self.wrong("an object")

    def lacks(self, keys: frozenset[str]) -> bool:
        """Whether this is an object where these members are missing or null: one question for many optional ones."""
        value = self.value
        if type(value) is not dict:
            return False
        return keys.isdisjoint(value) or all(value[key] is None for key in keys.intersection(value))

    @property
    def is_str(self) -> bool:
        """Whether the value is a string: many fields are "a string or a list of parts"."""
        return type(self.value) is str

    @property
    def is_list(self) -> bool:
        """Whether the value is an array."""
        return type(self.value) is list

    @property
    def is_dict(self) -> bool:
        """Whether the value is an object."""
        return type(self.value) is dict

    def text(self) -> str | None:
        """The string, or None."""
        if type(self.value) is str:
            return self.value
        if self.value is not None:
            self.wrong("a string")
        return None

    def whole(self) -> int | None:
        """The whole number (a float without fraction counts), or None; a negative or a vast one is trouble."""
        value = self.value
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and 0 <= value <= _MAX_WHOLE:
            return value
        if value is not None:
            self.wrong("a whole number")
        return None

    def flag(self) -> bool:
        """True only for `true`."""
        if self.value is not None and type(self.value) is not bool:
            self.wrong("true or false")
        return self.value is True

    def segment(self, part: Part) -> Segment | None:
        """This value as a segment: a string as it is, an object or array as compact JSON; None for null and ""."""
        value = self.value
        if value is None or value == "":
            return None
        if type(value) is not str:
            # A tool's definition may bring the key of the server behind it.
            value = compact(without_credentials(value) if part is Part.TOOL_DEFINITION else value)
        return Segment(part=part, path=self.path, text=value)

    def wrong(self, expected: str) -> None:
        """Note that this value is not what the format promises."""
        found = type(self.value).__name__
        self._trouble.note(f"{self.path or '/'}: expected {expected}, found {found}")
