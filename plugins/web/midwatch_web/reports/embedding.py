"""Embedding: a rendered report's own content inside a page of ours, tag by tag from a closed list.

What makes reports is a plugin, and quotes strangers. Nothing that it wrote gets here but plain structure and text.
"""

import re
from html.parser import HTMLParser

from markupsafe import Markup, escape

from midwatch_web.serving.visible import marked_up

_TAGS = frozenset(
    {"section", "header", "h2", "h3", "h4", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "b", "strong", "em", "code"}
    | {"span", "a", "br", "hr", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
)
_VOID = frozenset({"br", "hr"})
_SILENT = frozenset({"script", "style", "template", "noscript", "title", "svg", "math", "iframe", "object"})
_CLASS = re.compile(r"[A-Za-z0-9_ -]{1,100}")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_DEEPEST = 100


def embedded(page: str) -> Markup:
    """The content of a page's `main`, with only tags of the list; every one is closed in its place."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.result()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = False
        self._silent = 0
        self._open: list[str] = []
        self._tables = 0
        self._out: list[str] = []

    def result(self) -> Markup:
        """What was read, with everything that is open closed."""
        while self._open:
            self._close()
        return Markup("".join(self._out))  # noqa: S704  # every piece was escaped, or is of the closed list

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "main":
            self._inside = True
        elif tag in _SILENT:
            self._silent += 1
        elif self._shows and tag in _TAGS and len(self._open) < _DEEPEST:
            self._begin(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._inside = False
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif self._shows and tag in self._open:
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._shows:
            self._out.append(str(marked_up(data)))

    @property
    def _shows(self) -> bool:
        return self._inside and not self._silent

    def _begin(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "table":  # it scrolls in a box of its own, which the keyboard must reach
            self._tables += 1
            self._out.append(f'<div class="scroll" role="region" tabindex="0" aria-label="Table {self._tables}">')
        told = "".join(f' {name}="{escape(value)}"' for name, value in _attributes(tag, attributes).items())
        self._out.append(f"<{tag}{told}>")
        if tag not in _VOID:
            self._open.append(tag)

    def _close(self) -> str:
        tag = self._open.pop()
        self._out.append(f"</{tag}></div>" if tag == "table" else f"</{tag}>")
        return tag


def _attributes(tag: str, given: dict[str, str | None]) -> dict[str, str]:
    """Those of the list with a sound value. A call is linked by its id, anything else by https alone."""
    kept = {"class": "plain"} if tag == "table" else {}
    if tag != "table" and _CLASS.fullmatch(given.get("class") or ""):
        kept["class"] = given["class"] or ""
    if tag == "th" and given.get("scope") in ("row", "col"):
        kept["scope"] = given["scope"] or ""
    if tag == "a" and _ID.fullmatch(given.get("data-exchange") or ""):
        kept["href"] = f"/exchanges/{given['data-exchange']}"
    elif tag == "a" and (given.get("href") or "").startswith("https://"):
        kept |= {"href": given["href"] or "", "rel": "noopener noreferrer"}
    return kept
