"""Restoring: placeholders in an answer become values again, across the boundaries of a stream's chunks."""

import re
from collections.abc import Collection, Mapping

import orjson

from midwatch_core.urlwatch import addresses_foreign_host, inside_foreign_url

# What is looked back on to tell whether a placeholder stands in a URL; a longer URL without an end counts as one.
_CONTEXT = 8192
_SPACE = re.compile(r"[ \t\n\r\f]")


class Restorer:
    """Text deltas of one place of an answer in, restored deltas out.

    Held back is only the shortest tail that could still become one of `values`' placeholders. Inside a URL to a host
    that is none of `hosts` a placeholder stays, and is counted in `withheld`.

    `json` is for the arguments of a tool call, which are JSON in pieces: values are written escaped, and a placeholder
    is known in its escaped form too. Who is addressed may come behind what is sent, so from the first placeholder on
    they are held to their end; where they address a foreign host anywhere, nothing is put back.
    """

    def __init__(self, values: Mapping[str, str], *, hosts: Collection[str] = (), json: bool = False) -> None:
        self.restored = 0
        self.withheld = 0
        self._json = json
        self._hosts = hosts
        self._known = _forms(values, json)
        self._beginnings = {name[:length] for name in self._known for length in range(1, len(name))}
        marks = "<\\" if json else "<&"
        self._mark = re.compile(f"[{re.escape(marks)}]")
        self._longest = max(map(len, self._known), default=0)
        self._names = re.compile("|".join(map(re.escape, self._known)) if self._known else r"(?!)")
        self._held = ""
        self._before = ""
        self._recent: list[str] = []  # joined to what is before only when it is asked for
        # Of arguments: what is held to their end as it came, and all that stands before it.
        self._whole: list[str] = []
        self._passed: list[str] = []

    def feed(self, delta: str) -> str:
        """What can be released now."""
        if not self._known:
            return delta
        return self._feed_arguments(delta) if self._json else self._feed(delta)

    def _feed(self, delta: str) -> str:
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
        """The tail, which became nothing; of arguments, all that was held, with their values where that is safe."""
        if self._whole:
            return self._end_arguments()
        held, self._held = self._held, ""
        return held

    def _feed_arguments(self, delta: str) -> str:
        """Let through what stands before the first placeholder."""
        if self._whole:
            self._whole.append(delta)
            return ""
        text, self._held = self._held + delta, ""
        found = self._names.search(text)
        if found is not None:
            self._whole.append(text[found.start() :])
            out = text[: found.start()]
        else:
            self._held = self._tail(text)
            out = text[: len(text) - len(self._held)]
        self._passed.append(out)
        return out

    def _tail(self, text: str) -> str:
        """The shortest tail that could still become a placeholder."""
        for at in range(max(0, len(text) - self._longest + 1), len(text)):
            if text[at] in "<\\" and text[at:] in self._beginnings:
                return text[at:]
        return ""

    def _end_arguments(self) -> str:
        held, before = "".join(self._whole), "".join(self._passed)
        self._whole.clear()
        self._passed = [before, held]
        names = self._names.findall(held)
        if addresses_foreign_host(before + held, self._hosts):
            self.withheld += len(names)
            return held
        out = self._feed(held) + self._held
        self._held = ""
        return out

    def _waits(self, tail: str) -> bool:
        return tail in self._beginnings

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
        return {**{_as_html(name): value for name, value in values.items()}, **values}
    forms: dict[str, str] = {}
    for name, value in values.items():
        # A lone surrogate can't be UTF-8; what reaches the client is JSON all the same.
        new = orjson.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).decode()[1:-1]
        forms[name] = new
        forms[name.replace("<", "\\u003c").replace(">", "\\u003e")] = new
        forms[name.replace("<", "\\u003C").replace(">", "\\u003E")] = new
    return forms


def _as_html(name: str) -> str:
    """As a model writes it into HTML or XML."""
    return name.replace("<", "&lt;").replace(">", "&gt;")
