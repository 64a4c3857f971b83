"""The editor of one streamed answer: bytes in, bytes with its texts filtered out, and an orderly end at any time."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.editing.cutting import Cutter
from midwatch_core.wire.editing.document import edited
from midwatch_core.wire.editing.errors import StreamCut
from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.editing.slot import ALL, Reading, Slot, StreamMap
from midwatch_core.wire.jsontext import compact

# What an event of an unknown shape may raise in a dialect's map (see StreamMap).
_SHAPE_ERRORS = (TypeError, KeyError, IndexError, AttributeError, ValueError)
# More texts than any answer has: what an event says beyond them passes unread.
MAX_TEXTS = 4096


class TextFilter(Protocol):
    """The caller's view of one text of the answer. Any of its methods may raise StreamCut."""

    def feed(self, delta: str) -> str:
        """What goes out now instead of the delta; an empty string holds everything."""
        ...

    def close(self) -> str:
        """What is held, at the end of this text. Should more of it come after all, `feed` is called again."""
        ...

    def whole(self, text: str) -> str:
        """All of the text, repeated (or sent for the first time) in one event: what stands there instead.

        Asked once for the same text, however often it is repeated.
        """
        ...


class _Text:
    """One text under way: its filter, the last delta of it that came, and what it is as a whole."""

    __slots__ = ("document", "filter", "repeated", "slot")

    def __init__(self, text_filter: TextFilter, slot: Slot) -> None:
        self.filter = text_filter
        self.slot = slot
        self.document: Any = None
        self.repeated: tuple[str, str] | None = None


class StreamEditor:
    """Edits one streamed answer, from bytes whose content encoding has been undone.

    Held texts go out in an event of their own before the event that closes them, or inside it where it has a delta of
    the same text. Events with nothing changed keep their bytes. After a cut, `feed` and `close` give nothing more.
    `cut_by` is the StreamCut that a filter raised; `edited` counts changed and added events.
    """

    def __init__(self, dialect: Dialect, cutter: Cutter, make_filter: Callable[[str, Part, bool], TextFilter]) -> None:
        """`make_filter` is called once a text, with its path, its part and whether it is JSON source."""
        self.cut_by: StreamCut | None = None
        self.edited = 0
        self._dialect = dialect
        self._cutter = cutter
        self._make_filter = make_filter
        self._map: StreamMap | None = dialect.stream_map()
        self._texts: dict[str, _Text] = {}
        # Texts that may hold something: fed since they were last closed.
        self._open: dict[str, _Text] = {}
        self._unread = 0
        self._first = True  # no event has gone out yet
        self._mend = b""
        self._stopped = False
        self._over = False  # nothing can follow what has gone out

    @property
    def over(self) -> bool:
        """Whether the answer has ended: nothing can follow what has gone out."""
        return self._over

    @property
    def unread(self) -> int:
        """Events that passed unedited: too large, of an unknown shape, or with texts beyond the bound."""
        return self._unread + self._cutter.passed

    def feed(self, data: bytes) -> bytes:
        """The next bytes of the answer, edited. Where a filter raises StreamCut, what came before its event."""
        return b"" if self._stopped else self._take(self._cutter.feed(data))

    def close(self) -> bytes:
        """The end of the body: what was left of it, and all held texts."""
        if self._stopped:
            return b""
        out = self._take(self._cutter.close())
        try:
            if not self._stopped:
                out += self._add(self._tails(list(self._open)))
                self._over = True
        except StreamCut as cut:
            self.cut_by = cut
        self._stopped = True
        return out

    def cut(self, refusal: Refusal) -> bytes:
        """The bytes that end the stream now; nothing where it has ended. What is held is dropped."""
        over, self._stopped, self._over = self._over, True, True
        if over:
            return b""
        self._open.clear()
        if self._map is None:
            return self._mend + self._dialect.refuse_in_stream(refusal)
        closing = b"".join(self._write(name, data) for name, data in self._map.end(refusal))
        return closing + self._cutter.end(first=self._first) if closing else b""

    def _take(self, pieces: Iterable[Piece]) -> bytes:
        out: list[bytes] = []
        try:
            for piece in pieces:
                out.append(self._piece(piece))
        except StreamCut as cut:
            self.cut_by = cut
            self._stopped = True
        return b"".join(out)

    def _piece(self, piece: Piece) -> bytes:
        """One piece as it goes out, behind the texts that it closes."""
        reading = None if piece.data is None else self._read(piece.name, piece.data)
        if reading is None or piece.data is None:
            # Nothing can follow the end of the body, or half an event.
            before = self._add(self._tails(list(self._open))) if piece.last or piece.torn else b""
            return before + self._pass(piece, piece.raw)
        closing = self._closing(reading) if reading.closes else ()
        if not closing and not reading.slots:
            return self._pass(piece, piece.raw, reading)
        inline = {slot.path: slot for slot in reading.slots if not slot.whole and slot.path in closing}
        tails = self._tails([path for path in closing if path not in inline])
        raw = self._edit(piece, piece.data, reading, inline)
        for path in inline:
            self._open.pop(path, None)
        return self._add(tails) + self._pass(piece, raw, reading)

    def _read(self, name: str, data: bytes) -> Reading | None:
        if self._map is None:
            return None
        try:
            return self._map.read(name, data)
        except _SHAPE_ERRORS:
            self._unread += 1
            return None

    def _closing(self, reading: Reading) -> dict[str, None]:
        """The paths that end with this event, in the order in which they began."""
        here = dict.fromkeys([*self._open, *(slot.path for slot in reading.slots if not slot.whole)])
        if ALL in reading.closes:
            return here
        below = tuple(path for path in reading.closes if path.endswith("/"))
        return {path: None for path in here if path in reading.closes or path.startswith(below)}

    def _edit(self, piece: Piece, data: bytes, reading: Reading, inline: dict[str, Slot]) -> bytes:
        """The piece with its texts filtered; those that end here with what was held of them."""
        changes = []
        for slot in reading.slots:
            new = self._filtered(slot, reading.document)
            if inline.get(slot.path) is slot:
                new += self._texts[slot.path].filter.close() if slot.path in self._texts else ""
            if new != slot.text:
                changes.append((slot, new))
        if not changes:
            return piece.raw
        self.edited += 1
        return piece.with_data(edited(data, reading.document, changes, reading.shadows))

    def _filtered(self, slot: Slot, document: Any) -> str:
        text = self._texts.get(slot.path)
        if text is None:
            if len(self._texts) >= MAX_TEXTS:
                self._unread += 1
                return slot.text
            text = _Text(self._make_filter(slot.path, slot.part, slot.json), slot)
            self._texts[slot.path] = text
        if slot.whole:
            if text.repeated is None or text.repeated[0] != slot.text:
                text.repeated = (slot.text, text.filter.whole(slot.text))
            return text.repeated[1]
        text.slot, text.document = slot, document
        self._open[slot.path] = text
        return text.filter.feed(slot.text)

    def _tails(self, paths: Iterable[str]) -> list[tuple[str, Json]]:
        """What is held of these texts, as events of their own: one for those that the provider sent in one."""
        held: dict[int, list[tuple[_Text, str]]] = {}
        for path in paths:
            text = self._open.pop(path)
            if tail := text.filter.close():
                held.setdefault(id(text.document), []).append((text, tail))
        if self._map is None:
            return []
        return [
            self._map.tail(texts[0][0].document, [(text.slot, tail) for text, tail in texts]) for texts in held.values()
        ]

    def _add(self, events: Iterable[tuple[str, Json]]) -> bytes:
        return b"".join(self._add_one(name, document) for name, document in events)

    def _add_one(self, name: str, document: Json) -> bytes:
        self.edited += 1
        self._note(name, document)
        return self._write(name, compact(document).encode())

    def _write(self, name: str, data: bytes) -> bytes:
        raw = self._mend + self._cutter.event(name, data, first=self._first)
        self._first, self._mend = False, b""
        return raw

    def _pass(self, piece: Piece, raw: bytes, reading: Reading | None = None) -> bytes:
        """Let a piece out, and remember what it opened."""
        if reading is not None:
            self._note(piece.name, reading.document)
        self._first = self._first and piece.data is None and not self._cutter.passed
        self._mend, self._over = piece.mend, self._over or piece.last
        return raw

    def _note(self, name: str, document: Any) -> None:
        if self._map is None:
            return
        try:
            self._map.sent(name, document)
        except _SHAPE_ERRORS:
            self._unread += 1
