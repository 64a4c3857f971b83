"""Whether text that is about to be written stands inside a URL, and whose: restoring must not carry values away."""

import html
import re
from collections.abc import Collection, Iterable

# Where a URL begins: a scheme, `//host`, `www.`, or a bare name with a path, query or port behind it. Browsers take
# backslashes for slashes, and any number of them after the web's own schemes.
_START = re.compile(
    r"(?i)(?:\b(?:https?|wss?|ftp):[/\\]*|:[/\\]{2,}|(?<![\w:/\\])[/\\]{2}(?=[^\s/\\])"
    r"|\b(?=www\.))|(?<![\w.\-/@])(?=(?:[\w\-]{1,63}\.){1,8}[a-z][a-z0-9\-]{1,62}[/?:])"
)
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.\-]{0,31}:[/\\]{2,}")
_AUTHORITY = re.compile(r"[^/?#\s]*(?=[/?#])")
_BACKSLASHED = re.compile(r"\\([!-/:-@\[-`{-~])")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_OPENER = re.compile(r"[\"'<]\s*(?=[\w/\\])")
_CLOSED_BY = {'"': '"', "'": "'", "<": ">\n"}
_SPACES = " \t\n\r\f"  # ASCII alone: others are part of a URL to browsers
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_URL_HOST = re.compile(r"(?i)\b(?:https?|wss?|ftp)://(?:[^\s/?#@\\]*@)?([\w.\-]+)")


def hosts_in(texts: Iterable[str]) -> frozenset[str]:
    """The hosts that texts name in URLs, in lower case.

    Give it what the caller wrote (system, user), not tool results or documents: an attacker names his host there.
    """
    return frozenset(found.lower().rstrip(".") for text in texts for found in _URL_HOST.findall(text))


def inside_foreign_url(before: str, hosts: Collection[str], *, json: bool = False) -> bool:
    """Whether what follows `before` would be part of a URL to none of `hosts`. In doubt it would.

    `json`: the text is JSON, as tool arguments are, and may say a slash by an escape. HTML entities and Markdown's
    backslashes are read too, since whoever shows the text reads them.
    """
    readings = {before, html.unescape(before), _BACKSLASHED.sub(r"\1", before)}
    if json:
        readings |= {_JSON_ESCAPE.sub(_unescaped, before)}
    return any(_foreign(reading, hosts) for reading in readings)


def _foreign(before: str, hosts: Collection[str]) -> bool:
    """A URL that stands free ends at a space, so only the last word can hold one that goes on."""
    word = max(before.rfind(space) for space in _SPACES) + 1
    goes_on = [
        found.end()
        for found in _START.finditer(before, word)
        if before[found.start() - 1 : found.start()] not in _CLOSED_BY
    ]
    goes_on += _quoted(before)
    return any(not _named(before[end:], hosts) for end in goes_on)


def _quoted(before: str) -> Iterable[int]:
    """Where URLs in open quotes or angle brackets begin. A space does not end these: readers drop or encode it."""
    for quote in _OPENER.finditer(before):
        closed = any(mark in before[quote.end() :] for mark in _CLOSED_BY[quote.group()[0]])
        if not closed and (found := _SCHEME.match(before, quote.end()) or _START.match(before, quote.end())):
            yield found.end()


def _named(rest: str, hosts: Collection[str]) -> bool:
    """Whether the URL's host is complete and one of `hosts`; readers differ on a backslash in it, so that is none."""
    found = _AUTHORITY.match(rest)
    if found is None or "\\" in found.group():
        return False
    host = found.group().rpartition("@")[2]
    return re.sub(r":\d*$", "", host).lower().rstrip(".") in hosts


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _LETTERS.get(found[2], found[2])
