"""HTML entities, by name and by number."""

import re
from functools import lru_cache
from html import unescape

from midwatch_core.views.escapes import Escape
from midwatch_core.views.origins import Located, Piece

# Quotes, brackets and ampersands, by number: 34 38 39 60 62.
_ORDINARY = "(?:0*(?:3[489]|6[02])(?![0-9])|[xX]0*(?:2[267]|3[cCeE])(?![0-9a-fA-F]))"
_NUMBER = "(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})"
_NAME = "[A-Za-z][A-Za-z0-9]{1,31}"
# What makes a bracket more than a bracket: the marks that models take for the edge of a message.
_EDGE = r"(?=[|/]{0,2}(?:im_|system|user|assistant|start_|end_|tool|function|admin|instructions?\b))"

_remembered = lru_cache(maxsize=1 << 12)(unescape)


def _text(found: re.Match[str]) -> str:
    return _remembered(found[0])


def _piece(found: re.Match[str]) -> Piece:
    text = _text(found)
    start, end = found.span()
    return Piece(text, Located((start,) * len(text), (end,) * len(text)))


entities = Escape(
    guard="&",
    hiding=re.compile(
        f"&(?:#(?!{_ORDINARY}){_NUMBER}|(?!(?:amp|quot|apos|lt|gt);){_NAME};|amp;(?=#{_NUMBER}|{_NAME};)|lt;{_EDGE})"
    ),
    written=re.compile(f"&(?:#{_NUMBER};?|{_NAME};)"),
    text=_text,
    piece=_piece,
)
