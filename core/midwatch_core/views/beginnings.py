"""Whether a run of letters and digits begins as encoded text does; almost all are names and digests."""

import binascii
import re
import string

from midwatch_core.views.plausible import PRINTABLE

# Fifteen bytes in base64: less says no sentence, and less would take every other name in code for a run.
SHORTEST_RUN = 20
URLSAFE = bytes.maketrans(b"-_", b"+/")
# The head that is looked at ends within a code point, of up to four bytes.
_CUT_OFF = 3
_NUMBERS = {
    char: number
    for letters in (string.ascii_letters[26:] + string.ascii_letters[:26] + string.digits + "+/",)
    for number, char in enumerate(letters)
} | {"-": 62, "_": 63}


def _numbered(modulo: int, *rests: int) -> str:
    """A class for a pattern: the characters of base64 whose number leaves one of the rests."""
    return f"[{re.escape(''.join(char for char, number in _NUMBERS.items() if number % modulo in rests))}]"


# The first bytes by their upper bits: of ASCII 0 or 2 to 7, of what leads further bytes 12 to 15, of those 8 to 11.
_FIRST, _LEADING = "[CDI-Za-f]", "[w-z0-9]"
_BASE64 = (
    f"{_FIRST}{_numbered(16, 0, 2, 3, 4, 5, 6, 7)}{_numbered(4, 0, 1, 3)}"
    f"|{_FIRST}{_numbered(16, 12, 13, 14, 15)}{_numbered(4, 2)}"
    f"|{_LEADING}{_numbered(16, 8, 9, 10, 11)}"
)
_HEX = "[0-9a-fA-F]"
_ASCII = f"(?:[2-7]{_HEX}|0[9aAdD])"
_UTF8 = f"(?:[cdeCDE]{_HEX}|[fF][0-4])(?:[89abAB]{_HEX}){{1,3}}"
_DIGITS = f"(?:0[xX])?(?:(?:{_ASCII}|{_UTF8}){{8}}|(?:{_ASCII}00){{4}})|[01]{{20}}"
_BEGINNING = re.compile(f"(?P<digits>{_DIGITS})|{_BASE64}".encode())


def promising(raw: bytes, start: int, end: int) -> bool:
    """Whether [start, end) may be text in base64, hexadecimal or binary digits."""
    found = _BEGINNING.match(raw, start) if end - start >= SHORTEST_RUN else None
    return found is not None and (found["digits"] is not None or _decodes(raw[start : start + SHORTEST_RUN]))


def _decodes(head: bytes) -> bool:
    data = binascii.a2b_base64(head.translate(URLSAFE))
    if data.translate(None, PRINTABLE):
        return data[1:8:2] == b"\0\0\0\0"
    return data.isascii() or len(data.decode("utf-8", "ignore").encode()) >= len(data) - _CUT_OFF
