"""Text of strangers made safe to look at: what would be unseen, or drive a terminal, is spelled out."""

import unicodedata

_CONTROL_PICTURES = 0x2400
_DELETE = 0x7F
_LINE_CHARACTERS = 200


def visible_text(text: str) -> str:
    """`text` with its lines and tabs, and all else that is not printed as a picture (`␛`) or a number (`‹U+202E›`)."""
    if text.isprintable():
        return text
    unseen = {ord(character): _spelled(ord(character)) for character in set(text) if not _is_seen(character)}
    return text.translate(unseen)


def visible_line(text: str) -> str:
    """The same on one line, for headings: cut where it is long."""
    cut = text[:_LINE_CHARACTERS] + ("…" if len(text) > _LINE_CHARACTERS else "")
    return visible_text(cut).replace("\n", "␊").replace("\t", "␉")


def _is_seen(character: str) -> bool:
    return character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs"


def _spelled(code: int) -> str:
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return f"‹U+{code:04X}›"
