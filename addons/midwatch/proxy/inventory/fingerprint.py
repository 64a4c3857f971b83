"""The fingerprint of a ClientHello: which TLS library, set up how, is speaking. After JA4.

Source: https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md. As there, GREASE (RFC 8701) is left out and
extensions are sorted, for browsers shuffle them; and so is what changes between two connections of one program: the
name it asks for, padding (RFC 7685), and all that resumes a session.
"""

import hashlib

from mitmproxy import tls

_SNI, _GROUPS, _SIGNATURES, _PADDING, _PRE_SHARED_KEY, _EARLY_DATA = 0, 10, 13, 21, 41, 42
_CHANGING = frozenset({_SNI, _PADDING, _PRE_SHARED_KEY, _EARLY_DATA})


def fingerprint_of(hello: tls.ClientHello) -> str:
    """Sixteen hexadecimal digits; the same for each connection of a program to whatever host."""
    extensions = dict(hello.extensions)
    parts = (
        _numbers(hello.cipher_suites),
        _numbers(sorted(kind for kind in extensions if kind not in _CHANGING)),
        _numbers(_listed(extensions.get(_GROUPS))),
        _numbers(_listed(extensions.get(_SIGNATURES))),
        ",".join(name.hex() for name in hello.alpn_protocols),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _numbers(values: list[int]) -> str:
    return ",".join(str(value) for value in values if not _is_grease(value))


def _is_grease(value: int) -> bool:
    """RFC 8701, section 2: two equal bytes that end in 0xA."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _listed(body: object) -> list[int]:
    """The 16-bit values of an extension whose body is a list of them behind its length."""
    data = body[2:] if isinstance(body, bytes) else b""
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data) - 1, 2)]
