"""Fingerprints of providers' keys: a tenant is known by them, and the key itself is never kept."""

import hashlib
import hmac
from collections.abc import Mapping

LENGTH = 16
# The installation's key also hashes texts: a text that equals a provider's key must not have its fingerprint.
_PURPOSE = b"midwatch provider key\x00"
# Where providers want their keys, besides `Authorization: Bearer`.
_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")
_QUERY = "key"


def provider_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The provider's key in a request, None where it has none. `headers` have names in lower case.

    It is a secret: give it to `fingerprint`, and nowhere else.
    """
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (credential := credential.strip()):
        return credential
    for name in _HEADERS:
        if value := headers.get(name, "").strip():
            return value
    return query.get(_QUERY) or None


def fingerprint(installation_key: bytes, key: str) -> str:
    """HMAC-SHA256 of a provider's key under the installation's own, cut to 16 hex digits."""
    said = _PURPOSE + key.encode("utf-8", "surrogateescape")
    return hmac.digest(installation_key, said, hashlib.sha256).hex()[:LENGTH]
