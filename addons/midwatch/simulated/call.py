"""One request as the answer builders see it, and the answer they give; neither knows a socket."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that arrived in full.

    `host` is without port and in lower case, `query` the raw text behind `?`, `headers` by lower-case name (the last of
    a repeated name), `body` decoded JSON or a form's fields (see `forms`; an empty dict where there is none), `at`
    seconds since the epoch. `serial` counts the server's requests from 1 and is what ids are made from: the same calls
    in the same order get the same.
    """

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = NO_HEADERS
    body: Json
    at: int
    serial: int

    def token(self, prefix: str, length: int = 24) -> str:
        """An id of this call: `prefix` and `length` hexadecimal digits."""
        seed = f"{prefix}{self.serial}".encode()
        return prefix + hashlib.shake_128(seed).hexdigest((length + 1) // 2)[:length]

    def signature(self, length: int = 120) -> str:
        """What a provider signs its reasoning with: base64 of `length` bytes that mean nothing here."""
        return base64.b64encode(hashlib.shake_128(f"signature{self.serial}".encode()).digest(length)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a whole `body`, or `events` that are made as they are sent.

    Each event is bytes of the wire, its terminator included. `failure` is the event a provider sends when a stream
    breaks in its middle (`Script.fail_after`).
    """

    status: int = 200
    headers: Headers = ()
    content_type: str = "application/json"
    body: bytes | None = None
    events: Iterable[bytes] = ()
    failure: bytes = b""
