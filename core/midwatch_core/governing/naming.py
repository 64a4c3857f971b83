"""Names of counters and tickets: readable, never the same for two things, short whatever clients call themselves."""

import hashlib
from collections.abc import Iterable

# Longer values are cut, and their hash stands for what was cut off.
_MAX_BYTES = 64
_KEPT_CHARACTERS = 24
_HASH_BYTES = 16
_ABSENT = "-"
# What would look like no value, or like nothing at all.
_TAKEN = {_ABSENT: "%2D", "": "%"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@+~-")


def counter_name(tenant: str, parts: Iterable[str], values: Iterable[tuple[str, str | None]]) -> str:
    """`{acme}:monthly:3f2a:key=mw_1:agent=-`: the tenant in braces, which keeps its counters on one Redis node."""
    named = (f"{key}={quoted(value)}" for key, value in values)
    return ":".join([f"{{{quoted(tenant)}}}", *parts, *named])


def quoted(value: str | None) -> str:
    """A value as it stands in a name; different values never look the same. None is `-`."""
    if value is None:
        return _ABSENT
    if value in _TAKEN:
        return _TAKEN[value]
    if len(value) <= _MAX_BYTES and _PLAIN.issuperset(value):
        return value
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) <= _MAX_BYTES:
        return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in raw)
    kept = "".join(character for character in value[:_KEPT_CHARACTERS] if character in _PLAIN)
    return f"{kept}#{hashlib.blake2b(raw, digest_size=_HASH_BYTES).hexdigest()}"
