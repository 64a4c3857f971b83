"""Words spelled letter by letter: `i g n o r e   a l l`."""

import re
from array import array
from itertools import pairwise

from midwatch_core.views.escapes import Escape
from midwatch_core.views.origins import Located, Piece

# As RE2 takes it, for the gate; a run has six letters and more, all alone.
SPELLED = r"\b[A-Za-z](?:[ ._*-]{1,3}[A-Za-z]){5}\b"
# A longer one is read in stretches.
_RUN = re.compile(r"[A-Za-z](?<![A-Za-z0-9].)(?:[ ._*-]{1,5}[A-Za-z](?![A-Za-z0-9])){5,200}")
_LETTER = re.compile("[A-Za-z]")
_GAP = re.compile("[ ._*-]+")
# Where nothing tells the words apart, those that attacks are made of do.
_WORDS = re.compile(
    "(?:instructions?|guidelines?|restrictions?|everything|confidential|developer|disregard|passwords?|previous|"
    "override|execute|message|prompts?|secrets?|system|reveal|forget|ignore|bypass|output|repeat|follow|delete|unless|"
    "prior|above|rules?|print|these|those|their|that|this|your|with|from|tell|show|send|keys?|have|been|were|told|what|"
    "just|must|will|mode|now|new|all|any|and|the|you|are|not|for|out|to|of|me|my|in|is|it|do|or|on|as|be|at)"
)
_KNOWN = 0.8


def _text(found: re.Match[str]) -> str:
    """The letters, and a space where a gap is wider than the narrowest, or else where a known word ends."""
    run = found[0]
    if run[::2].isalpha():  # no gap is wider than another
        return _worded(run[::2])
    letters, gaps = _GAP.split(run), _GAP.findall(run)
    narrow = min(map(len, gaps))
    if narrow == max(map(len, gaps)):
        return _worded("".join(letters))
    spaced = (" " + letter if len(gap) > narrow else letter for gap, letter in zip(gaps, letters[1:], strict=True))
    return letters[0] + "".join(spaced)


def _worded(letters: str) -> str:
    """Known words apart, if there is hardly anything else."""
    found = list(_WORDS.finditer(letters.lower()))
    if sum(word.end() - word.start() for word in found) < _KNOWN * len(letters):
        return letters
    edges = sorted({0, len(letters), *(edge for word in found for edge in word.span())})
    return " ".join(letters[start:end] for start, end in pairwise(edges))


def _piece(found: re.Match[str]) -> Piece:
    text = _text(found)
    places = [letter.start() for letter in _LETTER.finditer(found[0])]
    starts, ends = array("Q"), array("Q")
    at = -1
    for char in text:
        at += char != " "
        starts.append(found.start() + (places[at] if char != " " else places[at] + 1))
        ends.append(found.start() + (places[at] + 1 if char != " " else places[at + 1]))
    return Piece(text, Located(starts, ends))


spelled = Escape(guard="", hiding=_RUN, written=_RUN, text=_text, piece=_piece)
