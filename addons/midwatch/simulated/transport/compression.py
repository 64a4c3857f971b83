"""Content-encodings: compressing an answer piece by piece, each decodable on arrival; reading a compressed request."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli
import zstandard

Pair = tuple[Callable[[bytes], bytes], Callable[[], bytes]]


class UndecodableBodyError(ValueError):
    """A request body whose content-encoding is unknown or whose bytes are not of it."""


class Compressor:
    """Compresses one answer: `piece` gives bytes that a decoder can turn into all that went in; `finish` ends it.

    Raises KeyError for an encoding that `Script` would have refused.
    """

    def __init__(self, encoding: str) -> None:
        self._piece, self._finish = _MAKERS[encoding]()

    def piece(self, data: bytes) -> bytes:
        """Data compressed and flushed."""
        return self._piece(data)

    def finish(self) -> bytes:
        """What ends the compressed stream."""
        return self._finish()


def _zlib(window_bits: int) -> Pair:
    engine = zlib.compressobj(6, zlib.DEFLATED, window_bits)
    return lambda data: engine.compress(data) + engine.flush(zlib.Z_SYNC_FLUSH), engine.flush


def _brotli() -> Pair:
    engine = brotli.Compressor(quality=4)
    return lambda data: engine.process(data) + engine.flush(), engine.finish


def _zstd() -> Pair:
    engine = zstandard.ZstdCompressor(level=3).compressobj()
    return lambda data: engine.compress(data) + engine.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), engine.flush


_MAKERS: dict[str, Callable[[], Pair]] = {
    "gzip": lambda: _zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _zlib(zlib.MAX_WBITS),
    "br": _brotli,
    "zstd": _zstd,
}


def decode_body(data: bytes, encoding: str) -> bytes:
    """A request's body without its content-encoding. Raises UndecodableBodyError."""
    if encoding in ("", "identity"):
        return data
    try:
        if encoding == "gzip":
            return zlib.decompress(data, 16 + zlib.MAX_WBITS)
        if encoding == "deflate":
            return zlib.decompress(data)
        if encoding == "br":
            return bytes(brotli.decompress(data))
        if encoding == "zstd":
            return bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data))
    except (zlib.error, brotli.error, zstandard.ZstdError) as failed:
        raise UndecodableBodyError(f"body is not {encoding}: {failed}") from failed
    raise UndecodableBodyError(f"unknown content-encoding {encoding!r}")
