"""What normalising does with one code point: keep it, rewrite it, drop it, or join it to the one before."""

import re
import unicodedata
from enum import IntEnum


class Kind(IntEnum):
    """What becomes of a code point. KEPT is false: what is kept needs no work."""

    KEPT = 0
    REWRITTEN = 1
    MARK = 2
    SELECTOR = 3
    HIDDEN = 4


# Unicode's Default_Ignorable_Code_Point: drawn as nothing. U+E0000 holds tags and selectors 17 to 256.
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SELECTORS = range(0xFE00, 0xFE10)
# What composes with the one before though its combining class is 0: Hangul's vowels and final consonants, voicing marks
# of halfwidth Katakana, some vowel signs.
_JOINING = re.compile(
    "[\u1161-\u11ff\ud7b0-\ud7ff\uff9e\uff9f\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u102e\u1b35\U00011127"
    "\U0001133e\U00011357\U000114b0\U000114ba\U000114bd\U000115af\U00011930]"
)
# A few ligatures spell out a word or a sentence: they stay, so that a text cannot grow eighteenfold.
_LONGEST = 4
# What NFKC leaves alone but a pattern should not have to know: quotes, dashes, line ends, small capitals.
_ALSO = (
    "‘'’'‚'‛'ʼ'′'“\"”\"„\"‟\"″\"‐-‑-‒-–-—-―-−-\u2028\n\u2029\n⁄/∕/"
    "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpꞯqʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzɡgɑaıi"
)
_REWRITES = dict(zip(_ALSO[::2], _ALSO[1::2], strict=True))
for _first, _letter in ((0x1F150, "A"), (0x1F170, "A"), (0x1F1E6, "A")):  # circled and squared in black, flags
    _REWRITES.update({chr(_first + n): chr(ord(_letter) + n) for n in range(26)})

_MEMO_LIMIT = 1 << 16


class _Kinds(dict[str, Kind]):
    """Kinds by code point, found once."""

    def __missing__(self, char: str) -> Kind:
        kind = _kind(char)
        if len(self) < _MEMO_LIMIT:
            self[char] = kind
        return kind


def _kind(char: str) -> Kind:
    if _IGNORED.match(char):
        return Kind.SELECTOR if ord(char) in _SELECTORS else Kind.HIDDEN
    if unicodedata.combining(char) or unicodedata.category(char) == "Me" or _JOINING.match(char):
        return Kind.MARK
    return Kind.KEPT if rewritten(char) == char else Kind.REWRITTEN


def rewritten(char: str) -> str:
    """A code point by itself, normalised."""
    folded = unicodedata.normalize("NFKC", char)
    if len(folded) > _LONGEST:
        return char
    return "".join(_REWRITES.get(item, item) for item in folded)


KINDS = _Kinds((chr(point), Kind.KEPT) for point in range(128))
