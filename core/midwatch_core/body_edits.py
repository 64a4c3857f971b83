"""Edits of a JSON body that touch the edited strings alone: every other byte stays as the client wrote it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from midwatch_core.errors import MidwatchError
from midwatch_core.wire.jsontext import compact

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MARKS = re.compile(rb'["{}\[\]]')
_SPACE = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[^ \t\r\n,\]}]+")
_UNIT = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]+", re.DOTALL
)


class UnsafeEditError(MidwatchError):
    """A body can't be edited so that every reader of it sees the edit; the message says why, with no text of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What stands in a text instead of its code points `start` to `end` (exclusive)."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The edits of one segment: `path` and `text` are the segment's, the replacements do not overlap."""

    path: str
    text: str
    replacements: tuple[Replacement, ...]


type _Splice = tuple[int, int, bytes]
type _Wanted = dict[str, _Wanted | Edit]


def begins_a_form(body: bytes) -> bool:
    """Whether a body begins as a form with files does, by a boundary: edits of one can never be made."""
    return body.lstrip(b"\r\n").startswith(b"--")


def replaced(text: str, replacements: Iterable[Replacement]) -> str:
    """`text` with its replacements. Raises UnsafeEditError where they overlap or reach beyond the text."""
    pieces: list[str] = []
    done = 0
    for item in _in_order(replacements, len(text)):
        pieces += (text[done : item.start], item.text)
        done = item.end
    return "".join([*pieces, text[done:]])


def edit_body(body: bytes, edits: Iterable[Edit]) -> bytes:
    """`body` with the edits made; all bytes outside the edited spans are kept.

    A segment that is an object in the body (tool arguments, as compact JSON) can be edited inside its string values.
    Raises UnsafeEditError where the body is not strict JSON, a path leads nowhere or through a key given twice (readers
    differ in which they take), the text is not what stands there, or a span covers more than a string's inside.
    """
    wanted = _tree(edits)
    if not wanted:
        return body
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        what = "a form, which can't be edited" if begins_a_form(body) else "not strict JSON"
        raise UnsafeEditError(f"the body is {what}") from error
    scan = _Scan(body)
    if isinstance(wanted, Edit):
        scan.edit(_skip_space(body, 0), wanted)
    else:
        scan.walk(_skip_space(body, 0), wanted)
    return _spliced(body, sorted(scan.splices, key=lambda item: item[:2]))


class _Scan:
    """One pass over valid JSON, along the wanted paths only; what lies beside them is skipped by its marks."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.splices: list[_Splice] = []

    def walk(self, at: int, wanted: _Wanted) -> int:
        """Edit below the value at `at`; gives the byte after it."""
        opening = self._body[at : at + 1]
        if opening == b"{":
            return self._object(at, wanted)
        if opening == b"[":
            return self._array(at, wanted)
        raise UnsafeEditError("a path leads through a value that is neither object nor array")

    def edit(self, at: int, edit: Edit) -> int:
        """Edit the string or the container at `at`; gives the byte after it."""
        end = _skip(self._body, at)
        if self._body[at : at + 1] == b'"':
            if orjson.loads(self._body[at:end]) != edit.text:
                raise UnsafeEditError("the text is not what stands in the body")
            self._in_string(at, _in_order(edit.replacements, len(edit.text)))
        else:
            self._in_container(at, end, edit)
        return end

    def _object(self, at: int, wanted: _Wanted) -> int:
        body, seen = self._body, set[str]()
        at = _skip_space(body, at + 1)
        while body[at : at + 1] != b"}":
            key_end = _skip(body, at)
            key: str = orjson.loads(body[at:key_end])
            at = _skip_space(body, _skip_space(body, key_end) + 1)
            if key in wanted and key in seen:
                raise UnsafeEditError("a key on the path is given twice")
            seen.add(key)
            at = self._next(at, wanted.get(key))
        self._all_met(wanted, seen)
        return at + 1

    def _array(self, at: int, wanted: _Wanted) -> int:
        body, index = self._body, 0
        at = _skip_space(body, at + 1)
        while body[at : at + 1] != b"]":
            at = self._next(at, wanted.get(str(index)))
            index += 1
        self._all_met(wanted, {str(position) for position in range(index)})
        return at + 1

    def _next(self, at: int, wanted: _Wanted | Edit | None) -> int:
        """Over one member, and the comma after it."""
        if wanted is None:
            at = _skip(self._body, at)
        elif isinstance(wanted, Edit):
            at = self.edit(at, wanted)
        else:
            at = self.walk(at, wanted)
        at = _skip_space(self._body, at)
        return _skip_space(self._body, at + 1) if self._body[at : at + 1] == b"," else at

    def _all_met(self, wanted: _Wanted, seen: set[str]) -> None:
        if not wanted.keys() <= seen:
            raise UnsafeEditError("a path leads to nothing")

    def _in_string(self, at: int, replacements: Sequence[Replacement]) -> None:
        """Splice inside the string token whose opening quote is at `at`."""
        edges = sorted({edge for item in replacements for edge in (item.start, item.end)})
        places = dict(zip(edges, _byte_places(self._body, at, edges), strict=True))
        for item in replacements:
            self.splices.append((places[item.start], places[item.end], orjson.dumps(item.text)[1:-1]))

    def _in_container(self, at: int, end: int, edit: Edit) -> None:
        """A segment that is compact JSON: its n-th string is the body's n-th string there, written another way."""
        document = orjson.loads(self._body[at:end])
        if not isinstance(document, dict | list) or compact(document) != edit.text:
            raise UnsafeEditError("the text is not what stands in the body")
        shown = edit.text.encode()
        strings, here = _strings(shown, 0, len(shown)), _strings(self._body, at, end)
        if len(strings) != len(here):
            raise UnsafeEditError("a key is given twice")
        pairs = list(zip(strings, here, strict=True))
        at_char, at_byte = 0, 0
        for item in _in_order(edit.replacements, len(edit.text)):
            start = at_byte + len(edit.text[at_char : item.start].encode())
            at_char, at_byte = item.end, start + len(edit.text[item.start : item.end].encode())
            self._in_one_of(pairs, shown, start, at_byte, item.text)

    def _in_one_of(
        self, pairs: Sequence[tuple[tuple[int, int], tuple[int, int]]], shown: bytes, start: int, stop: int, new: str
    ) -> None:
        index = bisect_left(pairs, start, key=lambda pair: pair[0][0]) - 1
        (low, high), (body_low, body_high) = pairs[index] if index >= 0 else ((0, 0), (0, 0))
        if stop >= high:
            raise UnsafeEditError("a span is not inside one string")
        value = orjson.loads(shown[low:high])
        if value != orjson.loads(self._body[body_low:body_high]):
            raise UnsafeEditError("a key is given twice")
        if shown[high : high + 1] == b":":
            raise UnsafeEditError("a span is in a key")
        begin, finish = _inside(shown, low, start, stop)
        self._in_string(body_low, [Replacement(start=begin, end=finish, text=new)])


def _tree(edits: Iterable[Edit]) -> _Wanted | Edit:
    """The edits by key or index. Raises UnsafeEditError where one lies inside another."""
    root: _Wanted = {}
    given = [edit for edit in edits if edit.replacements]
    for edit in given:
        if not edit.path:
            if len(given) > 1:
                raise UnsafeEditError("an edit lies inside another")
            return edit
        if not edit.path.startswith("/"):
            raise UnsafeEditError("a path is no JSON Pointer")
        *parents, last = (key.replace("~1", "/").replace("~0", "~") for key in edit.path[1:].split("/"))
        place = root
        for key in parents:
            below = place.setdefault(key, {})
            if isinstance(below, Edit):
                raise UnsafeEditError("an edit lies inside another")
            place = below
        if last in place:
            raise UnsafeEditError("an edit lies inside another")
        place[last] = edit
    return root


def _in_order(replacements: Iterable[Replacement], length: int) -> list[Replacement]:
    ordered = sorted(replacements, key=lambda item: (item.start, item.end))
    done = 0
    for item in ordered:
        if not done <= item.start <= item.end <= length:
            raise UnsafeEditError("replacements overlap, or reach beyond the text")
        done = item.end
    return ordered


def _skip_space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at


def _skip(body: bytes, at: int) -> int:
    """The byte after the value at `at`."""
    opening = body[at : at + 1]
    if opening not in (b"{", b"["):
        found = (_STRING if opening == b'"' else _SCALAR).match(body, at)
        return found.end() if found else len(body)
    depth = 0
    while mark := _MARKS.search(body, at):
        if mark.group() == b'"':
            at = _skip(body, mark.start())
            continue
        at = mark.end()
        depth += 1 if mark.group() in b"{[" else -1
        if not depth:
            return at
    return len(body)


def _strings(body: bytes, at: int, end: int) -> list[tuple[int, int]]:
    """Where the string tokens are, with their quotes."""
    return [found.span() for found in _STRING.finditer(body, at, end)]


def _byte_places(body: bytes, at: int, edges: Sequence[int]) -> list[int]:
    """The bytes at which the code points `edges` (ascending) of the string token at `at` begin, or it ends."""
    places: list[int] = []
    count, position, last = 0, at + 1, _skip(body, at) - 1
    while len(places) < len(edges):
        found = _UNIT.match(body, position, last)
        unit = found.group() if found else b""
        text = "" if unit[:1] == b"\\" else unit.decode()
        length = len(text) or 1
        while len(places) < len(edges) and edges[len(places)] < count + length:
            places.append(position + len(text[: edges[len(places)] - count].encode()))
        if found is None:
            break
        count, position = count + length, found.end()
    return [*places, *[position] * (len(edges) - len(places))]


def _inside(body: bytes, at: int, start: int, stop: int) -> tuple[int, int]:
    """Bytes `start` to `stop` of the document, as code points of the string token at `at`; escapes count whole."""
    count, position, begin, last = 0, at + 1, -1, _skip(body, at) - 1
    while found := _UNIT.match(body, position, last):
        escaped = found.group()[:1] == b"\\"
        for offset in range(position, found.end()) if not escaped else (position,):
            if not escaped and body[offset] & 0xC0 == 0x80:
                continue
            after = found.end() if escaped else offset + 1
            if begin < 0 and start < after:
                begin = count
            if stop <= offset:
                return begin, count
            count += 1
        position = found.end()
    return (begin if begin >= 0 else count), count


def _spliced(body: bytes, splices: Sequence[_Splice]) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for start, end, new in splices:
        if start < done:
            raise UnsafeEditError("replacements overlap, or reach beyond the text")
        pieces += (body[done:start], new)
        done = end
    return b"".join([*pieces, body[done:]])
