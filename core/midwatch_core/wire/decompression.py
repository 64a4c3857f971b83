"""Content encodings undone as the bytes come: gzip, deflate, br, zstd, and chains of them; bounded against bombs."""

import zlib
from typing import Protocol

import brotli
import zstandard

# What one body may grow to. Past it the rest is not read (it still passes to the client untouched).
MAX_BODY_BYTES = 64 * 1024 * 1024
# What one step may yield before it is looked at.
_STEP_BYTES = 1024 * 1024
_GZIP_MAGIC = 0x1F
# RFC 9659: no content coding may ask for a larger window.
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
# Its library takes no bound for its output; a block of four bytes yields 128 KB, so this yields 4 MB at most.
_ZSTD_PIECE_BYTES = 128
# What follows a member of gzip is copied at its end: short pieces keep thousands of empty members from costs by square.
_GZIP_PIECE_BYTES = 4096


class DecompressionError(ValueError):
    """The bytes are not what the content-encoding says, or grow beyond the bound."""


class Decompressor(Protocol):
    """Compressed bytes in, plain bytes out."""

    def feed(self, data: bytes) -> bytes:
        """What `data` adds to the plain body. Raises DecompressionError."""
        ...


class _Plain:
    """What one feed yields, held against the bound as it grows."""

    __slots__ = ("_bytes", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._bytes = 0

    def add(self, piece: bytes) -> None:
        """Take one more piece. Raises DecompressionError."""
        self._pieces.append(piece)
        self._bytes += len(piece)
        if self._bytes > MAX_BODY_BYTES:
            raise DecompressionError(f"the body grows beyond {MAX_BODY_BYTES} bytes")

    def joined(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)


class _Gzip:
    """gzip, in several members too; padding after the last is passed over."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> bytes:
        out = _Plain()
        for start in range(0, len(data), _GZIP_PIECE_BYTES):
            self._take(data[start : start + _GZIP_PIECE_BYTES], out)
        return out.joined()

    def _take(self, data: bytes, out: _Plain) -> None:
        while data:
            if self._inflate.eof:
                if data[0] != _GZIP_MAGIC:
                    return
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            data = _inflate(self._inflate, data, out)


class _Deflate:
    """deflate, which some servers send without its zlib header: the first two bytes tell."""

    def __init__(self) -> None:
        self._head = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> bytes:
        if self._inflate is None:
            data = self._head = self._head + data
            if len(data) < 2:
                return b""
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS)
        out = _Plain()
        if not self._inflate.eof:
            _inflate(self._inflate, data, out)
        return out.joined()


def _inflate(inflate: "zlib._Decompress", data: bytes, out: _Plain) -> bytes:
    """Inflate `data` up to the member's end; what comes after it."""
    while True:
        piece = inflate.decompress(data, _STEP_BYTES)
        out.add(piece)
        if inflate.eof:
            return inflate.unused_data
        data = inflate.unconsumed_tail
        if not data and len(piece) < _STEP_BYTES:  # else zlib may hold more output than was asked for
            return b""


def _has_zlib_header(data: bytes) -> bool:
    """RFC 1950: method 8, and a checksum over the two bytes."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def feed(self, data: bytes) -> bytes:
        if not data:
            return b""
        if self._decompressor.is_finished():  # its library refuses them too, where they come with the end
            raise DecompressionError("brotli: bytes behind the stream's end")
        out = _Plain()
        piece = self._decompressor.process(data, output_buffer_limit=_STEP_BYTES)
        # It may hold more output though it would accept more input, and though its stream is finished.
        while piece or not self._decompressor.can_accept_more_data():
            out.add(piece)
            piece = self._decompressor.process(b"", output_buffer_limit=_STEP_BYTES)
        return out.joined()


class _Zstd:
    """zstd in pieces of the input small enough that one piece can't yield more than a bomb's bound."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj(
            read_across_frames=True
        )

    def feed(self, data: bytes) -> bytes:
        out = _Plain()
        for start in range(0, len(data), _ZSTD_PIECE_BYTES):
            out.add(self._decompressor.decompress(data[start : start + _ZSTD_PIECE_BYTES]))
        return out.joined()


class _Bounded:
    """A chain of decompressors, innermost first, with the bound and one kind of error for all."""

    def __init__(self, chain: list[Decompressor]) -> None:
        self._chain = chain
        self._bytes = 0

    def feed(self, data: bytes) -> bytes:
        try:
            for step in self._chain:
                data = step.feed(data)
        except (zlib.error, brotli.error, zstandard.ZstdError, ValueError) as error:
            raise DecompressionError(str(error)) from error
        self._bytes += len(data)
        if self._bytes > MAX_BODY_BYTES:
            raise DecompressionError(f"the body grows beyond {MAX_BODY_BYTES} bytes")
        return data


def decompressor_for(content_encoding: str) -> Decompressor | None:
    """The decompressor for a `content-encoding` header; None for identity.

    Raises DecompressionError for an encoding that is not known, or a chain longer than any real one.
    """
    names = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    names = [name for name in names if name != "identity"]
    if len(names) > 3:
        raise DecompressionError(f"{len(names)} content encodings on one body")
    return _Bounded([_make(name) for name in reversed(names)]) if names else None


def _make(name: str) -> Decompressor:
    match name:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise DecompressionError(f"content encoding {name!r} is not known")
