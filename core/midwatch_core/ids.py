"""UUIDv7 identifiers: sortable by time, made without coordination (RFC 9562, section 5.7)."""

import os
import random
from collections.abc import Callable

# Unique, not secret: a system call for each id would be felt on the proxy's loop.
_RANDOM = random.Random(os.urandom(32))  # noqa: S311


def uuid7(at_s: float, random_bytes: Callable[[int], bytes] = _RANDOM.randbytes) -> str:
    """A UUIDv7 for the moment `at_s` (seconds since the epoch), in its canonical 36-character form."""
    value = (int(at_s * 1000) & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(random_bytes(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
