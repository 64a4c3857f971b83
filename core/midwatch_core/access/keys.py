"""Keys of Midwatch: how one is made, and how one that is shown is told from another.

A key is `mw_`, eight characters it is known by, `_`, and its secret: `mw_k3f9x2ab_…`. It has no `:`, so that it can be
a proxy's password. What is kept of it is its id (`mw_k3f9x2ab`) and a SHA-256 digest: the secret's 256 random bits
need no slow hash.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

ID_LENGTH = 11
SHAPE = "mw_, eight of a-z and 2-7, _, and 32 to 128 of A-Z, a-z, 0-9, _ and -"
_KEY = re.compile(r"mw_[a-z2-7]{8}_[A-Za-z0-9_-]{32,128}")
_ID_BYTES = 5
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made: `text` is shown to its holder once, and kept nowhere."""

    id: str
    text: str = field(repr=False)


def new_key(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> NewKey:
    """A fresh key. `random_bytes` gives as many unforeseeable bytes as it is asked for."""
    key_id = "mw_" + base64.b32encode(random_bytes(_ID_BYTES)).decode().lower()
    secret = base64.urlsafe_b64encode(random_bytes(_SECRET_BYTES)).decode().rstrip("=")
    return NewKey(id=key_id, text=f"{key_id}_{secret}")


def id_of(shown: str) -> str | None:
    """The id of what is shown as a key; None where it has not the shape of one. Nothing is looked up."""
    return shown[:ID_LENGTH] if _KEY.fullmatch(shown) else None


def key_digest(text: str) -> str:
    """SHA-256 of a whole key, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_key_of(text: str, digest: str) -> bool:
    """Whether this is the key of the digest; how long it takes does not tell how much of it is right."""
    return hmac.compare_digest(key_digest(text), digest)
