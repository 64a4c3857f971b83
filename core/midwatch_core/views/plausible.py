"""Whether decoded bytes are a text: printable, and letters that belong to some language."""

import string
from typing import NamedTuple

# "ignore rules" has twelve bytes; what is shorter says little, and happens by accident.
SHORTEST_TEXT = 10
PRINTABLE = bytes({*string.printable[:95].encode(), *b"\t\n\r", *range(0x80, 0x100)})
# Of a hundred bytes so many may be anything: a stray byte does not hide a payload.
_STRAYS = 5
_JUDGED = 256
_LETTERS_OF = 0.7


class Words(NamedTuple):
    """Decoded bytes as text; `encoding` leads from its code points back to bytes."""

    text: str
    encoding: str


def words(data: bytes) -> Words | None:
    """The text that bytes say in UTF-8, or in UTF-16 as shells on Windows take it; None if they say none. Linear."""
    if len(data) < SHORTEST_TEXT:
        return None
    if _is_wide(data):
        return _wide(data)
    if _too_many(len(data.translate(None, PRINTABLE)), len(data)):
        return None
    text = data.decode("utf-8", "surrogateescape")
    return Words(text, "utf-8") if text.isascii() or _is_language(text) else None


def _is_wide(data: bytes) -> bool:
    return data[1:20:2].count(0) == len(data[1:20:2]) and data[1::2].count(0) == len(data) // 2


def _wide(data: bytes) -> Words | None:
    text = data[: len(data) // 2 * 2].decode("utf-16-le", "surrogatepass")
    narrow = data[::2]
    if len(text) < SHORTEST_TEXT or _too_many(len(narrow.translate(None, PRINTABLE)), len(narrow)):
        return None
    return Words(text, "utf-16-le")


def _too_many(strays: int, length: int) -> bool:
    return strays * 100 > length * _STRAYS


def _is_language(text: str) -> bool:
    """Bytes that only happen to be UTF-8 are letters of no language; bytes that are not are lone surrogates here."""
    if _too_many(text.encode("utf-8", "replace").count(b"?") - text.count("?"), len(text)):
        return False
    judged = text[:_JUDGED]
    return sum(char.isascii() or char.isalpha() or char.isspace() for char in judged) >= _LETTERS_OF * len(judged)
