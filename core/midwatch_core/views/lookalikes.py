"""Letters of other scripts that are drawn like ASCII ones, folded where a word mixes them with Latin."""

import re

# After NFKC, which folds fullwidth, circled and mathematical alphabets already. Each letter, then what it looks like.
_PAIRS = (
    "аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhӏlвbкkмmнhтtгrпnѵvԍgүyьb"  # Cyrillic
    "АAВBЕEЅSІIЈJКKМMНHОOРPСCТTХXУYҮYԌGԜWԚQѴVҺH"
    "αaβbεeκkνvοoρpτtυuχxγyηnωwιiϲcϳj"  # Greek
    "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCͿJ"
    "օoսuոnհhցgզqյjԱUՏSՕO"  # Armenian
    "ᎪAᏴBᏟCᎠDᎬEᎻHᎫJᏦKᏞLᎷMᏢPᎡRᏚSᎢTᏙVᎳWᏃZ"  # Cherokee
)
_TABLE = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_FOLD = str.maketrans(_TABLE)

_LOOKS = "".join(_TABLE)
_SCRIPTS = (range(0x370, 0x530), range(0x531, 0x588), range(0x13A0, 0x13F6))
_FOREIGN = "".join(chr(point) for script in _SCRIPTS for point in script if chr(point) not in _TABLE)
_LETTERS = f"A-Za-z\u00c0-\u024f{_LOOKS}{_FOREIGN}"
# Searches begin with a class of characters, which `re` skips to fast; what must stand before it is looked for behind.
_SEAM = re.compile(f"[{_LOOKS}](?:(?=[A-Za-z])|(?<=[A-Za-z].))")
_MIXED = re.compile(
    f"(?<![{_LETTERS}])(?=[{_LETTERS}]*?(?:[A-Za-z][{_LOOKS}]|[{_LOOKS}][A-Za-z]))(?![{_LETTERS}]*?[{_FOREIGN}])"
    f"[{_LETTERS}]++"
)
_LATIN_LOOKING = re.compile(
    rf"[{_LOOKS}](?<!\w.)(?:(?:(?<=[A-Za-z]\W.)|(?<=[A-Za-z]\W\W.))[{_LOOKS}]*+(?!\w)|[{_LOOKS}]*+(?=\W{{1,2}}[A-Za-z]))"
)


def fold_lookalikes(text: str) -> str:
    """The text with lookalikes as ASCII, as long as before.

    A word is folded when it mixes ASCII letters with lookalikes and has no letter that only the other script has, or
    when it has nothing but lookalikes and stands next to a Latin word. Prose in Greek or Cyrillic stays as it is.
    """
    mixed = _MIXED.sub(_folded, text) if _SEAM.search(text) else text
    return _LATIN_LOOKING.sub(_folded, mixed)


def _folded(word: re.Match[str]) -> str:
    return word[0].translate(_FOLD)
