"""JSON laid out for reading without touching a character of it: offsets of findings stay true."""

import json
import re
from collections.abc import Iterator

from midwatch_web.calls.fragments import Fragment

# Strings, brackets and separators, white space, everything else (numbers, words).
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\s+|[^"{}\[\],:\s]+', re.DOTALL)
# Above this a text is shown as it is: laying it out would cost more than it tells.
_MAX_CHARACTERS = 100_000
_INDENT = "  "


def is_document(text: str) -> bool:
    """Whether the text is a JSON object or list worth laying out."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _MAX_CHARACTERS:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def lay_out(text: str) -> Iterator[Fragment]:
    """The fragments of a JSON text (see `is_document`): its own tokens, and line breaks and indents between them."""
    depth = 0
    before = ""
    for match in _TOKENS.finditer(text):
        word = match[0]
        if word.isspace():
            continue
        if word in "}]":
            depth -= 1
            if before not in "{[":
                yield Fragment(text=_line(depth))
        elif before and before in "{[":
            yield Fragment(text=_line(depth))
        yield Fragment(text=word, start=match.start())
        if word in "{[":
            depth += 1
        elif word == ",":
            yield Fragment(text=_line(depth))
        elif word == ":":
            yield Fragment(text=" ")
        before = word


def _line(depth: int) -> str:
    return "\n" + _INDENT * depth
