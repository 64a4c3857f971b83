"""What is spoken over a simulated WebSocket: the contract, and the echo where no provider is behind a path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from midwatch.simulated.service import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that takes its time. Answers of one lane come one after another; those of several come together."""

    order: Order
    lane: str = ""


class Session(Protocol):
    """A protocol spoken over one WebSocket. Messages are the bytes of their text; an order's events are messages, each
    ended by a line feed.
    """

    def greeting(self) -> Iterable[bytes]:
        """What the server says first."""
        ...

    def receive(self, message: bytes) -> Iterable[bytes | Reply]:
        """What a client's message brings: messages at once, and answers."""
        ...


class EchoSession:
    """What no provider is behind: every message comes back."""

    def greeting(self) -> Iterable[bytes]:
        """Nothing."""
        return ()

    def receive(self, message: bytes) -> Iterable[bytes | Reply]:
        """The message."""
        return (message,)
