"""Whether text that is about to be written stands inside a URL, and whose: restoring must not carry values away."""

import html
import re
from collections.abc import Collection, Iterable, Iterator

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


# Who arguments may address: a host with a path, a port or a user, an address of mail, an IP address, a UNC path.
_ADDRESSED = re.compile(
    r"(?i)@([\w\-]+(?:\.[\w\-]+)+)"
    r"|(?<![\w.\-/@])((?:[\w\-]{1,63}\.){1,8}[a-z][a-z0-9\-]{1,62})(?=:\d{2,5}\b)"
    r"|(?<![\w.\-])((?:\d{1,3}\.){3}\d{1,3})(?![\w.\-])"
    r"|\\\\\\\\([\w.\-]+)"
)
# A bare name before a slash is a host where it ends as hosts do and not as files do.
_BARE = re.compile(r"(?i)(?<![\w.\-/@])((?:[\w\-]{1,63}\.){1,8}[a-z]{2,63})(?=/)")
_LOCAL = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})  # noqa: S104  # names, nothing is bound
# More text than any tool's arguments have; beyond it they are foreign.
_LONGEST_ARGUMENTS = 1024 * 1024


def hosts_in(texts: Iterable[str]) -> frozenset[str]:
    """The hosts that texts name in URLs, in addresses of mail and by themselves, in lower case.

    Give it what the caller wrote (system, user), not tool results or documents: an attacker names his host there.
    """
    found = (name for text in texts for name in _addressed(text))
    return frozenset(name.lower().rstrip(".") for name in found)


def addresses_foreign_host(arguments: str, hosts: Collection[str]) -> bool:
    """Whether a tool's arguments (JSON source) address a host that is none of `hosts`, this machine aside."""
    if len(arguments) > _LONGEST_ARGUMENTS:
        return True
    readings = {arguments, _JSON_ESCAPE.sub(_unescaped, arguments), html.unescape(arguments)}
    known = {*hosts, *_LOCAL}
    return any(name.lower().rstrip(".") not in known for text in readings for name in _addressed(text))


def _addressed(text: str) -> Iterator[str]:
    yield from _URL_HOST.findall(text)
    yield from _BARE.findall(text)
    for groups in _ADDRESSED.findall(text):
        yield from filter(None, groups)


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
