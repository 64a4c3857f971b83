"""Validators that the packs name: each says of a matched value whether it may really be a secret."""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping

from midwatch_secrets.checksums import has_base58check, has_bech32, has_crc32_base62
from midwatch_secrets.placeholders import (
    entropy,
    is_mixed,
    is_placeholder,
    is_reference,
    is_repetitive,
    is_sequential,
    is_uuid,
    is_wordy,
)

DEFAULT_ENTROPY = 3.5
_TOKEN_ENTROPY = 3.0
_PASSWORD_ENTROPY = 2.5
_PEM_RUN = re.compile(r"[A-Za-z0-9+/=]{40,}")
_ESCAPED_BREAK = re.compile(r"\\+[nr]|[\s\"',]+")


def validators(min_entropy: float = DEFAULT_ENTROPY) -> Mapping[str, Callable[[str], bool]]:
    """All validators by name. `min_entropy`, in bits a character, is for values known by their variable alone."""

    def generic(value: str) -> bool:
        return _is_password(value) and not is_uuid(value) and not is_sequential(value) and entropy(value) >= min_entropy

    return {
        "token": is_token,
        "crc": lambda value: is_token(value) and has_crc32_base62(value),
        "no_crc": lambda value: is_token(value) and not has_crc32_base62(value),
        "base58check": has_base58check,
        "bech32": has_bech32,
        "jwt": is_jwt,
        "pem": is_pem,
        "basic": is_basic,
        "password": _is_password,
        "url_password": is_url_password,
        "generic": generic,
        "said": lambda value: _is_password(value) and any(c.isdigit() for c in value),
        "hash": is_hash,
    }


def is_token(value: str) -> bool:
    """Whether a value of a known shape looks drawn at random: no sample, and entropy near what its length allows."""
    if is_placeholder(value) or is_reference(value):
        return False
    return entropy(value) >= min(_TOKEN_ENTROPY, 0.72 * math.log2(max(len(value), 2)))


def is_jwt(value: str) -> bool:
    """Whether a value is a JWT (RFC 7519): a header with `alg`, a payload that is an object, a signature."""
    parts = value.split(".")
    if len(parts) != 3 or not parts[2]:
        return False
    header, payload = _json_of(parts[0]), _json_of(parts[1])
    return isinstance(header, dict) and isinstance(header.get("alg"), str) and isinstance(payload, dict)


def is_pem(value: str) -> bool:
    """Whether a block of a private key has a body, not dots or prose."""
    parts = value.split("-----", 2)
    body = _ESCAPED_BREAK.sub("\n", parts[2] if len(parts) == 3 else value)
    runs = _PEM_RUN.findall(body)
    return bool(runs) and entropy("".join(runs)) >= _TOKEN_ENTROPY and not is_repetitive(runs[-1][:40])


def is_basic(value: str) -> bool:
    """Whether a value is base64 of `user:password` (RFC 7617) with a password that is no sample."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except ValueError:  # no base64, or no text in it
        return False
    user, colon, password = text.partition(":")
    return bool(colon and text.isprintable() and (is_url_password(password) or (not password and is_token(user))))


def is_url_password(value: str) -> bool:
    """Whether the password of a URL is more than a sample or a reference."""
    return len(value) >= 4 and not is_placeholder(value) and not is_reference(value)


def is_hash(value: str) -> bool:
    """Whether the hash of a password (crypt's format, with its `$`) is more than a sample."""
    return not is_placeholder(value) and entropy(value) >= _TOKEN_ENTROPY


def _is_password(value: str) -> bool:
    if is_placeholder(value) or is_reference(value) or is_wordy(value) or not is_mixed(value):
        return False
    return entropy(value) >= _PASSWORD_ENTROPY


def _json_of(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
