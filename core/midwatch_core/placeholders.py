"""Placeholders for one request: `<EMAIL_k3f9>` instead of a value, the same each turn, restored from this map alone."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType

# Twenty bits tell the values of one request apart; where they do not, the name grows.
_SHORTEST = 4
_LONGEST = 32
_LOOKALIKE = re.compile(r"<[A-Z][A-Z0-9_]*_[a-z2-7]+>")
_NOT_IN_KIND = re.compile(r"[^A-Z0-9]+")
# How a `<` may stand in JSON inside a text, and the `>` with it.
_ESCAPED = re.compile(r"\\u003([cCeE])")


class Placeholders:
    """The map of one request; it dies with it.

    A name is a keyed hash of kind and value: stable over turns, workers and restarts (prompt caches hold, the model
    can tell values apart), and nobody without the tenant's `key` can compute it. `texts` are all texts of the request
    as the client sent them: what looks like a placeholder there is the client's own, is never given out and so never
    restored. Two values of one name: the later gets a longer one.
    """

    def __init__(self, key: bytes, texts: Iterable[str] = ()) -> None:
        self._key = key
        self._texts = tuple(texts)
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}

    @property
    def values(self) -> Mapping[str, str]:
        """Placeholder → value, for restoring what was masked. A live view: it grows with `name`."""
        return MappingProxyType(self._values)

    def name(self, kind: str, value: str) -> str:
        """The placeholder of a value. `kind` is the detection's (`EMAIL`, `CARD`); none is `VALUE`."""
        shown = _shown(kind)
        name = self._names.get((shown, value))
        if name is None:
            name = self._names[shown, value] = self._new(shown, value)
            self._values[name] = value
        return name

    @cached_property
    def _taken(self) -> frozenset[str]:
        """What the client's texts hold that looks like a name: looked for only where a name is to be given out."""
        return frozenset(found for text in self._texts for found in _lookalikes(text))

    def adopt(self, values: Mapping[str, str]) -> None:
        """Take over what an earlier request of the same conversation masked, where the provider keeps its history.

        A name that the client's own texts hold, or that stands for another value here, is left out.
        """
        for name, value in values.items():
            if name not in self._taken and self._values.setdefault(name, value) == value:
                self._names.setdefault((name[1:-1].rpartition("_")[0], value), name)

    def _new(self, kind: str, value: str) -> str:
        message = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        digits = base64.b32encode(hmac.digest(self._key, message, hashlib.sha256)).decode().lower()
        names = (f"<{kind}_{digits[:length]}>" for length in range(_SHORTEST, _LONGEST + 1))
        name = next((name for name in names if name not in self._values and name not in self._taken), None)
        if name is None:
            raise ValueError("no placeholder is free: the request holds them all")
        return name


def _shown(kind: str) -> str:
    shown = _NOT_IN_KIND.sub("_", kind.upper()).strip("_")
    return shown if shown[:1].isalpha() else f"VALUE_{shown}".rstrip("_")


def _lookalikes(text: str) -> list[str]:
    if "\\u003" in text:
        text = _ESCAPED.sub(lambda found: "<" if found[1] in "cC" else ">", text)
    return _LOOKALIKE.findall(text)
