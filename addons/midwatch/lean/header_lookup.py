"""Patch `header-lookup`: a header is found in one pass, without exceptions for those that are absent.

mitmproxy asks for some twenty headers an exchange, most of them absent; stock goes through four generic methods of
a multi-dictionary and, for an absent one, a KeyError.
"""

from __future__ import annotations

from typing import Any

from mitmproxy.coretypes.multidict import MultiDict, _MultiDict
from mitmproxy.http import Headers

from midwatch.lean.patch import Guard, Patch, Replacement


def _values(headers: Headers, name: str | bytes) -> list[str]:
    wanted = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    wanted = wanted.lower()
    return [value.decode("utf-8", "surrogateescape") for key, value in headers.fields if key.lower() == wanted]


def get_all(self: Headers, name: str | bytes) -> list[str]:
    """Stand in for `Headers.get_all`."""
    return _values(self, name)


def get_item(self: Headers, name: str | bytes) -> str:
    """Stand in for the inherited `__getitem__`: values folded with a comma."""
    values = _values(self, name)
    if not values:
        raise KeyError(name)
    return ", ".join(values)


def get(self: Headers, name: str | bytes, default: Any = None) -> Any:
    """Stand in for the inherited `get`."""
    values = _values(self, name)
    return ", ".join(values) if values else default


def contains(self: Headers, name: object) -> bool:
    """Stand in for the inherited `__contains__`."""
    if not isinstance(name, str | bytes):
        raise TypeError(f"Expected str or bytes, but got {type(name).__name__}.")
    return bool(_values(self, name))


HEADER_LOOKUP = Patch(
    name="header-lookup",
    changes="Headers finds a name in one pass",
    replacements=(
        Replacement(owner=Headers, name="get_all", new=get_all),
        Replacement(owner=Headers, name="__getitem__", new=get_item),
        Replacement(owner=Headers, name="get", new=get),
        Replacement(owner=Headers, name="__contains__", new=contains),
    ),
    guards=(
        Guard(owner=Headers, name="get_all", digest="367b3317bc2ba45c"),
        Guard(owner=Headers, name="_reduce_values", digest="d808a4075a1f266d"),
        Guard(owner=Headers, name="_kconv", digest="dd59639eb7c46701"),
        Guard(owner=_MultiDict, name="__getitem__", digest="482e7414c932e3e8"),
        Guard(owner=_MultiDict, name="get_all", digest="5bff03c1afa25bb7"),
        Guard(owner=MultiDict, name="__init__", digest="faf0668e22579e8b"),
    ),
)
