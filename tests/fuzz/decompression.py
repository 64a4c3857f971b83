"""Content encodings: any bytes as any chain of them, and real bodies of which some bytes are spoilt.

Input: which chain, how the body is cut, how many bytes are spoilt (each is a place and a value), the body. Without
any it is taken as it is; with `_MADE` it is what is to be encoded.
"""

import gzip
import zlib
from collections.abc import Callable
from itertools import product
from unittest.mock import patch

import brotli
import zstandard

from midwatch_core.wire import decompression
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialects import BUILTIN
from tests.core.wire.editing.streams import OWN, SSE
from tests.fuzz import answers
from tests.fuzz.pieces import Given, pieces

# The real bound would cost a tenth of a second for each bomb.
_BOUND = 1024 * 1024
_MADE, _MAX_SPOILT = 0x80, 8

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstandard.ZstdCompressor().compress,
}
_CHAINS = [*((name,) for name in _ENCODERS), *product(_ENCODERS, repeat=2), ("gzip", "br", "zstd"), ("zstd",) * 3]
_CHAT = next(dialect for dialect in BUILTIN if dialect.id == "openai.chat")


def seeds() -> list[bytes]:
    """Simulated answers in every chain, encoded already and to be encoded."""
    stream = next(item for item in OWN if item.kind == SSE and item.dialect is _CHAT).body
    found = []
    for number, chain in enumerate(_CHAINS):
        for body in (stream, b"\0" * 100_000, b""):
            found.append(bytes((number, 7, _MADE)) + body[:2000])
            found.append(bytes((number, 7, 0)) + _encoded(chain, body))
    return found


def one(data: bytes) -> None:
    """What holds of any bytes."""
    with patch.object(decompression, "MAX_BODY_BYTES", _BOUND):
        _one(Given(data))


def _one(given: Given) -> None:
    chain, seed, kind = given.one_of(_CHAINS), given.number(), given.number()
    spoilt = [(given.number() << 8 | given.number(), given.number()) for _ in range(kind % _MAX_SPOILT)]
    body = given.rest()
    if kind & _MADE:
        body = _spoil(_encoded(chain, body), spoilt)
    encoding = ", ".join(chain)
    whole, chunks = _undone(encoding, [body]), pieces(body, seed)
    # zstd's library looks more closely at a frame that it has in one piece: there alone it sees a wrong size.
    assert _undone(encoding, chunks) == whole or (whole is None and "zstd" in chain)
    if whole is not None:
        kind_of_body = "text/event-stream"
        read = answers.decoded(_CHAT, chunks, kind_of_body, encoding)
        plain = answers.decoded(_CHAT, [whole], kind_of_body)
        assert (read.segments, read.usage, read.decode_error) == (plain.segments, plain.usage, plain.decode_error)
    elif not spoilt and kind & _MADE:
        raise AssertionError("a sound body was not read")


def _undone(encoding: str, chunks: list[bytes]) -> bytes | None:
    """The plain body; None where the bytes are not what they are said to be."""
    decompressor = decompressor_for(encoding)
    assert decompressor is not None
    out = bytearray()
    try:
        for chunk in chunks:
            out += decompressor.feed(chunk)
            assert len(out) <= _BOUND
    except DecompressionError:
        return None
    return bytes(out)


def _encoded(chain: tuple[str, ...], body: bytes) -> bytes:
    for name in chain:
        body = _ENCODERS[name](body)
    return body


def _spoil(body: bytes, spoilt: list[tuple[int, int]]) -> bytes:
    changed = bytearray(body)
    for place, value in spoilt:
        changed[place % len(changed)] = value
    return bytes(changed)
