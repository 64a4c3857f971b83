"""What an upstream is asked to answer: the `x-sim` request header, shared by load generator and upstream."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Sim:
    """`tokens` > 0 asks for that many stream events, `events_per_write` in one write, `gap_ms` between writes.

    With `tokens` = 0 the answer is one JSON document of about `reply_bytes`. `aws` = 1 asks for an AWS event stream.
    Over a WebSocket every message of the client is answered so.
    """

    tokens: int = 0
    events_per_write: int = 1
    gap_ms: int = 0
    reply_bytes: int = 10_000
    aws: int = 0

    def header(self) -> str:
        """The value of the `x-sim` header."""
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))

    @classmethod
    def parse(cls, value: str) -> Sim:
        """Read a header's value; unknown names are passed over, so that other simulators may know more."""
        known = {field.name for field in fields(cls)}
        pairs = (part.split("=", 1) for part in value.split(",") if "=" in part)
        return cls(**{name.strip(): int(number) for name, number in pairs if name.strip() in known})
