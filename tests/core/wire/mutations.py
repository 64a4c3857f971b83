"""Recorded bytes spoilt as networks and odd servers spoil them; the same ones for the same choice."""

import random
from collections.abc import Callable

type Mutation = Callable[[bytes, bytes, random.Random], bytes]

_NUMBERS = (b"-1", b"0", b"99999999999999999999", b"1e308", b"1e999", b"0.5", b'"7"', b"null", b"true", b"[]", b"{}")


def flipped(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """Some bytes changed, a bit each."""
    changed = bytearray(body)
    for _ in range(choice.randint(1, 8)):
        changed[choice.randrange(len(changed))] ^= 1 << choice.randrange(8)
    return bytes(changed)


def truncated(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """The end is missing."""
    return body[: choice.randrange(len(body))]


def spliced(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """Another body's end behind this one's beginning."""
    return body[: choice.randrange(len(body))] + other[choice.randrange(len(other)) :]


def reordered(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """Its events (or lines, or members) in another order."""
    parts, between = _parts(body)
    choice.shuffle(parts)
    return between.join(parts)


def repeated(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """Some of them twice, some not at all."""
    parts, between = _parts(body)
    return between.join(part for part in parts for _ in range(choice.choice((0, 1, 1, 2))))


def miscounted(body: bytes, other: bytes, choice: random.Random) -> bytes:
    """Values replaced by numbers no count may be, and by what is no number."""
    parts = body.split(b":")
    for _ in range(choice.randint(1, 4)):
        at = choice.randrange(len(parts))
        comma, rest = parts[at].partition(b",")[1:]
        parts[at] = choice.choice(_NUMBERS) + comma + rest if comma else parts[at]
    return b":".join(parts)


MUTATIONS: tuple[Mutation, ...] = (flipped, truncated, spliced, reordered, repeated, miscounted)


def _parts(body: bytes) -> tuple[list[bytes], bytes]:
    for between in (b"\n\n", b"\r\n\r\n", b"\n", b","):
        if body.count(between) > 2:
            return body.split(between), between
    return [body], b""
