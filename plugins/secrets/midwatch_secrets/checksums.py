"""Formats that carry a check of their own: CRC32 in base 62 (GitHub, npm), base58check, bech32."""

import hashlib
import zlib
from functools import reduce

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CRC_DIGITS = 6


def crc32_base62(text: str) -> str:
    """The six base-62 digits GitHub and npm put behind a token's random part.

    Source: GitHub, "Behind GitHub's new authentication token formats" (2021).
    """
    number = zlib.crc32(text.encode())
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(_CRC_DIGITS, "0")


def has_crc32_base62(token: str) -> bool:
    """Whether a token `prefix_randomCRCCRC` fits its last six characters."""
    body = token.rsplit("_", 1)[-1]
    return crc32_base62(body[:-_CRC_DIGITS]) == body[-_CRC_DIGITS:]


def has_base58check(value: str) -> bool:
    """Whether a value is base58 whose last four bytes are the double SHA-256 of the rest (Bitcoin's WIF, BIP 32)."""
    if not value or any(c not in _BASE58 for c in value):
        return False
    number = reduce(lambda total, c: total * 58 + _BASE58.index(c), value, 0)
    zeros = len(value) - len(value.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
    return len(data) > 4 and hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def has_bech32(value: str) -> bool:
    """Whether a value is bech32 with a fitting checksum (BIP 173; age's identities, Nostr's keys)."""
    text = value.lower()
    name, _, data = text.rpartition("1")
    if not name or len(data) < 6 or any(c not in _BECH32 for c in data):
        return False
    spread = [ord(c) >> 5 for c in name] + [0] + [ord(c) & 31 for c in name]
    return reduce(_bech32_step, spread + [_BECH32.index(c) for c in data], 1) == 1


def _bech32_step(check: int, digit: int) -> int:
    top = check >> 25
    check = (check & 0x1FFFFFF) << 5 ^ digit
    return reduce(lambda total, i: total ^ (_BECH32_STEPS[i] if top >> i & 1 else 0), range(5), check)
