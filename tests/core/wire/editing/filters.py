"""Filters as a policy would make them, in small."""

from collections.abc import Callable
from dataclasses import dataclass, field

from midwatch_core.model.segment import Part
from midwatch_core.wire.editing.editor import StreamEditor, TextFilter
from midwatch_core.wire.editing.errors import StreamCut
from tests.core.wire.editing.streams import Stream

type Maker = Callable[[str, Part, bool], TextFilter]


def same(text: str) -> str:
    return text


def swapped(text: str) -> str:
    """A change that keeps JSON what it is: letters that stand in no escape and no literal."""
    return text.replace("o", "ö").replace("i", "íi")


@dataclass
class Holding:
    """Changes a text, and lets it out `hold` characters late (everything at the end, if there is no number)."""

    change: Callable[[str], str]
    hold: int | None = 0
    strict: bool = True
    held: str = ""
    seen: str = ""
    given: str = ""

    def feed(self, delta: str) -> str:
        self.seen += delta
        self.held += self.change(delta)
        size = len(self.held) if self.hold is None else self.hold
        out, self.held = (self.held[:-size], self.held[-size:]) if size else (self.held, "")
        self.given += out
        return out

    def close(self) -> str:
        out, self.held = self.held, ""
        self.given += out
        return out

    def whole(self, text: str) -> str:
        assert self.seen in ("", text) or not self.strict
        self.given = self.change(text)
        return self.given


@dataclass
class Makes:
    """Makes filters and remembers them by path."""

    change: Callable[[str], str] = same
    hold: int | None = 0
    strict: bool = True
    made: dict[str, Holding] = field(default_factory=dict)
    asked: dict[str, tuple[Part, bool]] = field(default_factory=dict)

    def __call__(self, path: str, part: Part, json: bool) -> Holding:
        assert path not in self.made
        self.asked[path] = (part, json)
        self.made[path] = Holding(self.change, self.hold, self.strict)
        return self.made[path]


@dataclass
class Tripping:
    """Lets everything through, and cuts at a word in the text so far."""

    word: str
    seen: str = ""

    def feed(self, delta: str) -> str:
        self.seen += delta
        return self._checked(delta)

    def close(self) -> str:
        return ""

    def whole(self, text: str) -> str:
        self.seen = text
        return self._checked(text)

    def _checked(self, text: str) -> str:
        if self.word in self.seen:
            raise StreamCut("a word that may not pass")
        return text


def editor(stream: Stream, make: Maker) -> StreamEditor:
    return StreamEditor(stream.dialect, stream.cutter(), make)


def run(stream: Stream, make: Maker, chunks: list[bytes] | None = None) -> bytes:
    """The whole stream through an editor."""
    edits = editor(stream, make)
    out = b"".join([edits.feed(chunk) for chunk in (chunks or [stream.body])])
    out += edits.close()
    assert edits.cut_by is None
    assert edits.unread == 0
    return out
