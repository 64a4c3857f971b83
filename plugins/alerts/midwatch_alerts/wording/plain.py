"""Plain text out of any text: no controls, no characters that turn or hide others, never longer than asked."""

import re
from urllib.parse import urlsplit

_LARGEST_URL = 1000
# What programs make links of by themselves.
_LINKED = re.compile(r"\b(?:[a-z][a-z0-9+.-]{0,30}://|www\.)\S*", re.IGNORECASE)
# What services read as mentions, tags and code, and signs that look like it.
_LOOK_ALIKES = str.maketrans("@<>`", "＠‹›´")


def one_line(text: str, most: int) -> str:
    """`text` in one line of `most` characters; a text of any size costs no more than its beginning does."""
    looked = text[: 4 * most + 64]
    if not looked.isprintable():  # controls, formats (bidi marks, zero widths), lone surrogates, other separators
        looked = "".join(character if character.isprintable() else " " for character in looked)
    line = " ".join(looked.split())
    return cut(line if len(text) <= len(looked) else f"{line}…", most)


def lines(text: str, most: int) -> str:
    """`text` with its line ends kept, in `most` characters."""
    kept = (one_line(line, most) for line in text[: 4 * most].splitlines())
    return cut("\n".join(kept).strip("\n"), most)


def cut(text: str, most: int) -> str:
    """At most so many characters; … says that there was more."""
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "…"


def unlinked(text: str) -> str:
    """`text` whose addresses no program makes a link of: `https[://]evil[.]example`."""
    return _LINKED.sub(lambda match: match[0].replace("://", "[://]").replace(".", "[.]"), text)


def disarmed(text: str) -> str:
    """`text` for a service of which nobody knows what it makes of markup: it mentions nobody, and links to nothing."""
    return unlinked(text).translate(_LOOK_ALIKES)


def link(url: str) -> str:
    """A URL that may be shown as a link; empty where it is none."""
    plain = url.isascii() and url.isprintable() and not set(' <>"|`\\') & set(url) and len(url) <= _LARGEST_URL
    if not plain:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
