"""Texts as ciphers, by the keys of the configuration: equal texts of a tenant stay equal, so that stores fold them."""

import base64
import binascii
import re
from collections.abc import Sequence

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from midwatch_core.errors import ConfigError, MidwatchError

KEY_BYTES = 32
NO_KEY = "[encrypted with a key that is not here]"
DAMAGED = "[encrypted, and damaged since]"

_WORD = "midwatch-aes-siv"
_CIPHER = re.compile(rf"{_WORD}:([0-9a-f]{{8}}):([A-Za-z0-9_-]+=*)")
# AES-256-SIV takes a key for its tag and one for its counter.
_SIV_KEY_BYTES = 64
_PLAIN, _ZSTD = b"\0", b"\1"
_WORTH_COMPRESSING = 64


class UnreadableError(MidwatchError):
    """A cipher that can't be read here; the message is what is shown in the text's place."""


class TextCipher:
    """AES-SIV (RFC 5297), deterministic; the tenant is authenticated with each text: another tenant's does not open.

    What can be told from the ciphers: which texts of a tenant are equal, and about how long they are. The first key
    encrypts, all decrypt. For one thread at a time.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` of KEY_BYTES each, at least one."""
        self._keys = {_key_id(key): AESSIV(_derived(key, b"texts", _SIV_KEY_BYTES)) for key in keys}
        self._first = _key_id(keys[0])
        self._compressor = zstandard.ZstdCompressor()
        self._decompressor = zstandard.ZstdDecompressor()

    def encrypt(self, tenant: str, text: str) -> str:
        """The cipher of a text, as text."""
        data = text.encode("utf-8", "surrogatepass")
        small = self._compressor.compress(data) if len(data) >= _WORTH_COMPRESSING else data
        packed = _ZSTD + small if len(small) < len(data) else _PLAIN + data
        sealed = self._keys[self._first].encrypt(packed, [tenant.encode("utf-8", "surrogatepass")])
        return f"{_WORD}:{self._first}:{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, tenant: str, text: str) -> str:
        """The text of a cipher; what is none, such as a text stored before there was a key, as it is.

        Raises UnreadableError.
        """
        match = _CIPHER.fullmatch(text)
        if match is None:
            return text
        key = self._keys.get(match[1])
        if key is None:
            raise UnreadableError(NO_KEY)
        try:
            sealed = base64.urlsafe_b64decode(match[2])
            packed = key.decrypt(sealed, [tenant.encode("utf-8", "surrogatepass")])
        except (InvalidTag, binascii.Error) as error:
            raise UnreadableError(DAMAGED) from error
        data = packed[1:] if packed[:1] == _PLAIN else self._decompressor.decompress(packed[1:])
        return data.decode("utf-8", "surrogatepass")


def is_cipher(text: str) -> bool:
    """Whether this is what `encrypt` gives."""
    return text.startswith(_WORD) and _CIPHER.fullmatch(text) is not None


def keys_from(text: str) -> tuple[bytes, ...]:
    """The keys of a setting: one a line, in base64. Raises ConfigError; its message has nothing of them."""
    keys: list[bytes] = []
    for number, line in enumerate(text.split(), start=1):
        try:
            key = base64.b64decode(line, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigError(
                f"storage.encryption.key: key {number} is not {KEY_BYTES} bytes in base64; `openssl rand -base64"
                f" {KEY_BYTES}` makes one"
            )
        keys.append(key)
    if not keys:
        raise ConfigError("storage.encryption.key: there is no key in it")
    return tuple(keys)


def _key_id(key: bytes) -> str:
    """What names a key in a cipher; tells nothing of it."""
    return _derived(key, b"id", 4).hex()


def _derived(key: bytes, purpose: bytes, size: int) -> bytes:
    """HKDF (RFC 5869): a key of its own for each purpose."""
    return HKDFExpand(algorithm=SHA256(), length=size, info=b"midwatch stored " + purpose).derive(key)
