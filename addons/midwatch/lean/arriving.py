"""What is known of a request's body while it comes: written where it is read, looked at by who minds its pace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Arriving:
    """A body on its way: bytes that came after the first were read, and whether nothing more is awaited."""

    size: int = 0
    ended: bool = False
