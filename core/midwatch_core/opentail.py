"""The open tail of a text that is still being written: what a value could go on growing in, and so must wait."""

import re

# A value has no more than this; a key in PEM takes a few KB.
_LONGEST = 4096
_LONGEST_PEM = 16 * 1024
# Numbers come in groups: cards, phones, accounts, `+44 (0)20 7946 0958`; IBANs with letters in front.
_GROUP = re.compile(r"[\w()+./-]{1,34}")
_MOST_GROUPS = 12
_BEFORE_VALUE = "\"'(<[=:,;"
# A name whose value is about to come: `password: `, `"api_key": "`.
_LABEL = re.compile(r"[\w.\-\"']++\s{0,2}[:=]{1,2}\s{0,2}[\"'`]?\Z")
_LONGEST_LABEL = 70
_PEM_BEGIN = "-----BEGIN "
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,64}-----")


def open_tail(text: str) -> int:
    """The code point from which `text` must be held back. Prose is held by its last word alone; all, by a bound."""
    start = max(0, len(text) - _LONGEST)
    recent = text[start:]
    at = min(_last_run(recent), _groups(recent), _label(recent))
    return min(start + at, _open_pem(text))


def _last_run(text: str) -> int:
    """Where the last unbroken run of characters begins."""
    if not text or text[-1].isspace():
        return len(text)
    return len(text) - len(text.rsplit(maxsplit=1)[-1])


def _groups(text: str) -> int:
    """Where the groups of digits begin that end the text, with single or double spaces between them."""
    at = len(text)
    for _ in range(_MOST_GROUPS):
        gap = text[max(0, at - 2) : at]
        end = at - (len(gap) - len(gap.rstrip(" ")))
        begin = text.rfind(" ", 0, end) + 1
        word = text[begin:end]
        word = word if _GROUP.fullmatch(word) else word.lstrip(_BEFORE_VALUE)
        if not (_GROUP.fullmatch(word) and any(map(str.isdigit, word))):
            break
        at = end - len(word)
        if at > begin:
            break
    return at if at < len(text) and " " in text[at:] else len(text)


def _label(text: str) -> int:
    near = text[-_LONGEST_LABEL:]
    found = _LABEL.search(near)
    return len(text) if found is None else len(text) - len(near) + found.start()


def _open_pem(text: str) -> int:
    """Where a block in PEM begins that has not ended."""
    begin = text.rfind(_PEM_BEGIN, max(0, len(text) - _LONGEST_PEM))
    if begin < 0 or _PEM_END.search(text, begin):
        return len(text)
    return begin
