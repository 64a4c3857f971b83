"""What the simulated providers saw, for a test to compare with what it sent."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """How far the answer to a request got; it changes while the answer is sent.

    `events` counts what was handed to the connection. `ended` is empty while it runs, then "complete", "died" (as
    scripted) or "left" (the client, or the proxy for it, closed or reset before the end).
    """

    events: int = 0
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived.

    `headers` as on the wire (names' case kept on HTTP/1.1); `sha256` and `length` are of the body's raw bytes after
    transfer decoding, before content decoding; `body` is empty where it was longer than the ledger keeps. `id` is the
    request's `x-sim-id` header.
    """

    serial: int
    id: str
    http_version: str
    method: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...]
    sha256: str
    length: int
    body: bytes
    progress: Progress = field(default_factory=Progress)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Ledger:
    """A bounded list of what was received, and counts by id, which are not bounded by it.

    `limit` 0 is the counting mode: nothing is kept but `total` and the counts.
    """

    def __init__(self, *, limit: int = 2_000, body_limit: int = 8 << 20) -> None:
        self.items: list[Received] = []
        self.counts: Counter[str] = Counter()
        self.total = 0
        self._limit = limit
        self._body_limit = body_limit

    def note(
        self,
        *,
        http_version: str,
        method: str,
        host: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        id: str = "",
    ) -> Progress:
        """Count a request and, unless only counting, keep it; its progress is the caller's to update."""
        self.total += 1
        if id:
            self.counts[id] += 1
        if not self._limit:
            return Progress()
        received = Received(
            serial=self.total,
            id=id,
            http_version=http_version,
            method=method,
            host=host,
            target=target,
            headers=headers,
            sha256=hashlib.sha256(body).hexdigest(),
            length=len(body),
            body=body if len(body) <= self._body_limit else b"",
        )
        self._keep(received)
        return received.progress

    def _keep(self, received: Received) -> None:
        self.items.append(received)
        if len(self.items) > self._limit:
            del self.items[: max(self._limit // 2, 1)]
