"""How names are written: what tells Jane Roe from `JsonError`, `jane_roe()` and `syslog` where the model can't.

The models shipped do not see capitals, and the traffic of coding agents is full of words that might be names.
"""

import re

from midwatch_pii.ner.words import Word

_HUMPS = re.compile(r"[a-zß-ÿ][A-Z]|[A-Z]{2,}[a-zß-ÿ]")
_HUMPED_NAME = re.compile(r"^(?:Mac|Mc|D[aeiu]|L[ae]|V[ao]n|O|Fitz|St|Della?|Al|El|Ben|Ó|Ní)[A-ZÀ-Þ][a-zß-ÿ]+$")
# What makes a name one of a firm: `Roe Ltd.`, `Roe & Co`.
_FIRM = re.compile(
    r",? ?(?:& |and )?(?:(?i:inc|ltd|llc|llp|plc|corp|gmbh)|Corporation|Company|Co|CO|KG|AG|SA|S\.A|SE|NV|BV|Oy|AB|"
    r"Group|Holdings?|Systems|Solutions|Technology|Technologies|Software|Labs|Industries|Partners|Associates|"
    r"Foundation|Institute|University|Bank)\b"
)
_STUCK_BEFORE = frozenset("_/\\@#$%<&~^`")
_STUCK_BEHIND = frozenset("_/\\@([{=~^`")
# In prose there are none of these; `#4` is a flat, `# ` and `/*` begin remarks.
CODE_SIGNS = frozenset("(){}[]<>=_;|`$")
_CODE_STARTS = ('":', "# ", "// ", "/*")
# Lines that bring in or name types and functions: a name there is one of them.
_CODE_LINE = re.compile(
    r"\s*(?:from \S+ import |(?:import|export|package|using|use) [\w.:{}*]+(?:(?:,| as) ?[\w.:{}*]+)*(?: from .*)?;?\s*"
    r"$|(?:async )?def \w+\(|class \w+\W*[(:{]|(?:const|let|var) [\w{}, ]+[:=]|(?:fn|func|function) \w+\()|.*\) ?->"
)
_NEAR = 200
_LEAST_WORDS = 4


def like_a_name(text: str, word: Word) -> bool:
    """Whether a word is written as one of a name: a capital; or none anywhere near, in prose; or a script without."""
    value = text[word.start : word.end]
    if not value.isalpha() or in_an_identifier(text, word):
        return False
    if not is_cased(value[0]):
        return True
    if value[0].isupper():
        return not _HUMPS.search(value) or bool(_HUMPED_NAME.match(value))
    return in_small_prose(text, word)


def is_cased(character: str) -> bool:
    """Whether a character's script has capitals."""
    return character.lower() != character.upper()


def in_an_identifier(text: str, word: Word) -> bool:
    """Whether a word is a piece of a path, a variable, a call, a tag or a number."""
    before, after = text[max(0, word.start - 2) : word.start], text[word.end : word.end + 2]
    if before and (before[-1] in _STUCK_BEFORE or before[-1].isdigit()):
        return True
    if after and (after[0] in _STUCK_BEHIND or after[0].isdigit() or after == "::"):
        return True
    if len(before) == 2 and before[1] == "." and before[0].isalnum():
        return True
    return len(after) == 2 and after[0] == "." and (after[1].isalnum() or after[1] == "_")


def in_small_prose(text: str, word: Word) -> bool:
    """Whether all that is near is in small letters, and no code; in a longer paragraph, all that is near in it."""
    start, end = max(0, word.start - _NEAR), word.end + _NEAR
    if _is_small_prose(text[start:end]):
        return True
    start = max(text.rfind("\n\n", start, word.start), start)
    last = text.find("\n\n", word.end, end)
    paragraph = text[start : last if last >= 0 else end]
    return len(paragraph.split()) >= _LEAST_WORDS and _is_small_prose(paragraph)


def _is_small_prose(near: str) -> bool:
    is_code = not CODE_SIGNS.isdisjoint(near) or any(start in near for start in _CODE_STARTS)
    return near == near.lower() and not is_code


def of_a_firm(text: str, end: int) -> bool:
    """Whether what stands behind a name makes it one of a firm."""
    return bool(_FIRM.match(text, end, end + 30))


def on_a_line_of_code(text: str, word: Word) -> bool:
    """Whether a word's line names what a program is made of."""
    first = max(0, word.start - _NEAR)
    start = max(text.rfind("\n", first, word.start) + 1, first)
    end = text.find("\n", word.end, word.end + _NEAR)
    return bool(_CODE_LINE.match(text[start : end if end >= 0 else word.end + _NEAR]))
