"""Keys of services that keep count themselves, and ids in headers: short, and of characters that all of them take."""

import re
from hashlib import sha256

_PLAIN = re.compile(r"[A-Za-z0-9_:-]+")


def service_key(text: str, most: int = 128) -> str:
    """`text` where it is plain and short, else a digest of it: the same for the same text."""
    if len(text) <= most and _PLAIN.fullmatch(text):
        return text
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
