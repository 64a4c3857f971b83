"""Values that the user says are no secrets: by hash, so that the configuration holds none, or by pattern."""

import hashlib
from collections.abc import Sequence

import re2


class Allowlist:
    """Hashes are SHA-256 in hex of the value's UTF-8; patterns are RE2 and must match the whole value."""

    def __init__(self, hashes: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        self._hashes = frozenset(item.lower() for item in hashes)
        self._patterns = [re2.compile(pattern) for pattern in patterns]

    def has(self, value: str) -> bool:
        """Whether a value is allowed."""
        data = value.encode("utf-8", "surrogatepass")
        if self._hashes and hashlib.sha256(data).hexdigest() in self._hashes:
            return True
        return any(pattern.fullmatch(data) for pattern in self._patterns)
