"""Restoring: placeholders in an answer become values again, across the boundaries of a stream's chunks."""

import re
from collections.abc import Collection, Mapping

import orjson

from midwatch_core.urlwatch import inside_foreign_url

# What is looked back on to tell whether a placeholder stands in a URL; a longer URL without an end counts as one.
_CONTEXT = 8192
_SPACE = re.compile(r"[ \t\n\r\f]")


class Restorer:
    """Text deltas of one place of an answer in, restored deltas out.

    Held back is only the shortest tail that could still become one of `values`' placeholders. `json` is for text that
    is JSON, such as the arguments of a tool call in pieces: values are written escaped, and a placeholder is known in
    its escaped form too. Inside a URL to a host that is none of `hosts` a placeholder stays, and is counted.
    """

    def __init__(self, values: Mapping[str, str], *, hosts: Collection[str] = (), json: bool = False) -> None:
        self.restored = 0
        self.withheld = 0
        self._json = json
        self._hosts = hosts
        self._known = _forms(values, json)
        self._beginnings = {name[:length] for name in self._known for length in range(1, len(name))}
        marks = "<\\" if json else "<"
        self._mark = re.compile(f"[{re.escape(marks)}]")
        self._longest = max(map(len, self._known), default=0)
        self._names = re.compile("|".join(map(re.escape, self._known)) if self._known else r"(?!)")
        self._held = ""
        self._before = ""
        self._recent: list[str] = []  # joined to what is before only when it is asked for

    def feed(self, delta: str) -> str:
        """What can be released now."""
        if not self._known:
            return delta
        self._remember()
        text, self._held = self._held + delta, ""
        released: list[str] = []
        at = 0
        while mark := self._mark.search(text, at):
            self._release(text[at : mark.start()], released)
            at = mark.start()
            if len(text) - at < self._longest and self._waits(text[at:]):
                self._held = text[at:]
                return "".join(released)
            at = self._take(text, at, released)
        self._release(text[at:], released)
        return "".join(released)

    def close(self) -> str:
        """The tail, which became nothing."""
        held, self._held = self._held, ""
        return held

    def _waits(self, tail: str) -> bool:
        return tail in self._beginnings or (self._json and tail == "\\")

    def _take(self, text: str, at: int, released: list[str]) -> int:
        """Over a placeholder, an escape or a mark that is neither."""
        found = self._names.match(text, at)
        if found is None:
            end = at + (2 if text.startswith("\\\\", at) and self._json else 1)
            self._release(text[at:end], released)
            return end
        if self._in_foreign_url():
            self.withheld += 1
            self._release(found.group(), released)
        else:
            self.restored += 1
            self._release(self._known[found.group()], released)
        return found.end()

    def _in_foreign_url(self) -> bool:
        self._remember()
        if len(self._before) == _CONTEXT and not _SPACE.search(self._before):
            return True
        return inside_foreign_url(self._before, self._hosts, json=self._json)

    def _remember(self) -> None:
        self._before = "".join([self._before, *self._recent])[-_CONTEXT:]
        self._recent.clear()

    def _release(self, text: str, released: list[str]) -> None:
        if text:
            released.append(text)
            self._recent.append(text)


def restored(text: str, values: Mapping[str, str], *, hosts: Collection[str] = (), json: bool = False) -> str:
    """A whole text restored."""
    restorer = Restorer(values, hosts=hosts, json=json)
    return restorer.feed(text) + restorer.close()


def _forms(values: Mapping[str, str], json: bool) -> dict[str, str]:
    """Each placeholder as it may be written → what to write instead."""
    if not json:
        return dict(values)
    forms: dict[str, str] = {}
    for name, value in values.items():
        # A lone surrogate can't be UTF-8; what reaches the client is JSON all the same.
        new = orjson.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).decode()[1:-1]
        forms[name] = new
        forms[name.replace("<", "\\u003c").replace(">", "\\u003e")] = new
        forms[name.replace("<", "\\u003C").replace(">", "\\u003E")] = new
    return forms
