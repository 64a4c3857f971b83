"""A piece of a streamed body: its bytes as they came, and the event in them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive bytes of the body; all pieces together are the body.

    `data` is None where the bytes are no event (comments, the end of an array, an event too large to be held).
    `spans` is where the data stands in `raw`: one span, or one for each `data:` line, with `joint` between two lines.
    `mend` is what has to be written before anything can follow a piece that lacks its end; `torn` that the body ended
    within it. `last` marks the bytes that close the body: what is added goes before them.
    """

    raw: bytes
    name: str = ""
    data: bytes | None = None
    spans: tuple[tuple[int, int], ...] = ()
    joint: bytes = b""
    mend: bytes = b""
    torn: bool = False
    last: bool = False

    def with_data(self, new: bytes) -> bytes:
        """The bytes with other data in them, and everything else (ids, names, line ends, commas) kept.

        Where there are several `data:` lines, `new` is spread over them; lines that are left over stay empty, which is
        white space to a reader of JSON.
        """
        if len(self.spans) == 1 and (b"\n" not in new or not self.joint):
            start, end = self.spans[0]
            return self.raw[:start] + new + self.raw[end:]
        if not self.spans:
            return self.raw
        lines = new.split(b"\n", len(self.spans) - 1)
        lines += [b""] * (len(self.spans) - len(lines))
        lines[-1] = lines[-1].replace(b"\n", self.joint)
        pieces: list[bytes] = []
        done = 0
        for (start, end), line in zip(self.spans, lines, strict=True):
            pieces += (self.raw[done:start], line)
            done = end
        return b"".join([*pieces, self.raw[done:]])
