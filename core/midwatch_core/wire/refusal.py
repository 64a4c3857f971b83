"""An answer of ours instead of the provider's: what is to be said, and what a dialect makes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer of ours instead of the provider's: HTTP status, a code for machines, a message for people.

    `retry_after_ms` says the same as `retry_after_s`, more exactly. `retry` False asks clients not to try again.
    """

    status: int
    code: str
    message: str
    request_id: str
    retry_after_s: int | None = None
    retry_after_ms: int | None = None
    retry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer made by a dialect."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
