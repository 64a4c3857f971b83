"""Characters that hide or turn around text, made visible: what a person reads must be what the model read."""

import re
import unicodedata

from markupsafe import Markup, escape

# C0 and C1 controls but tab and newline, soft hyphen, Arabic letter mark, fillers, zero widths, bidi controls, line
# and paragraph separators, invisible operators, byte-order mark, interlinear marks, variation selectors supplement,
# and the tag characters that carry whole hidden sentences. Lone surrogates can't be sent at all.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def code(character: str) -> str:
    """`U+202E` for a character."""
    return f"U+{ord(character):04X}"


def shown(text: str) -> str:
    """Plain text with each hidden character as `⟨U+202E⟩`: for table cells, attributes and titles."""
    return _HIDDEN.sub(_plain, text)


def marked_up(text: str) -> Markup:
    """Escaped text with each hidden character as an element that names it: for the body of a conversation."""
    return Markup(_HIDDEN.sub(_element, str(escape(text))))  # noqa: S704  # escaped on this line; elements are ours


def _plain(match: re.Match[str]) -> str:
    return match[0] if _is_windows_newline(match) or _joins_emoji(match) else f"⟨{code(match[0])}⟩"


def _element(match: re.Match[str]) -> str:
    if _is_windows_newline(match) or _joins_emoji(match):
        return match[0]
    name = unicodedata.name(match[0], "control character").lower()
    return f'<span class="hidden-char" title="{name}">{code(match[0])}</span>'


def _is_windows_newline(match: re.Match[str]) -> bool:
    return match[0] == "\r" and match.string[match.end() : match.end() + 1] == "\n"


def _joins_emoji(match: re.Match[str]) -> bool:
    """A zero-width joiner between two pictures is part of one emoji and hides nothing."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return match[0] == "\u200d" and before >= "\u2600" and after >= "\u2600"
