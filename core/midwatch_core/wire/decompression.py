"""Content encodings undone as the bytes come: gzip, deflate, br, zstd, and chains of them; bounded against bombs."""

import zlib
from typing import Protocol

import brotli
import zstandard

# What one body may grow to. Past it the rest is not read (it still passes to the client untouched).
MAX_BODY_BYTES = 256 * 1024 * 1024
# What one step may yield before it is looked at.
_STEP_BYTES = 1024 * 1024


class DecompressionError(ValueError):
    """The bytes are not what the content-encoding says, or grow beyond the bound."""


class Decompressor(Protocol):
    """Compressed bytes in, plain bytes out."""

    def feed(self, data: bytes) -> bytes:
        """What `data` adds to the plain body. Raises DecompressionError."""
        ...


class _Zlib:
    """gzip (several members too) and deflate, which some servers send without its zlib header."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflate = zlib.decompressobj(wbits)
        self._fresh = True

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        while data:
            try:
                out.append(self._inflate.decompress(data, _STEP_BYTES))
            except zlib.error:
                if not (self._fresh and self._wbits == zlib.MAX_WBITS):
                    raise
                self._wbits = -zlib.MAX_WBITS
                self._inflate = zlib.decompressobj(self._wbits)
                continue
            self._fresh = False
            _check_step(out)
            data = self._inflate.unconsumed_tail or self._next_member()
        return b"".join(out)

    def _next_member(self) -> bytes:
        rest = self._inflate.unused_data
        if self._inflate.eof and rest:
            self._inflate = zlib.decompressobj(self._wbits)
        return rest


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def feed(self, data: bytes) -> bytes:
        out = [self._decompressor.process(data, output_buffer_limit=_STEP_BYTES)]
        while not self._decompressor.can_accept_more_data():
            out.append(self._decompressor.process(b"", output_buffer_limit=_STEP_BYTES))
            _check_step(out)
        return b"".join(out)


class _Zstd:
    """zstd in pieces of the input small enough that one piece can't yield more than a bomb's bound."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=128 * 1024 * 1024).decompressobj(
            read_across_frames=True
        )

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        for start in range(0, len(data), 1024):
            out.append(self._decompressor.decompress(data[start : start + 1024]))
            _check_step(out)
        return b"".join(out)


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


def _check_step(out: list[bytes]) -> None:
    if sum(map(len, out)) > MAX_BODY_BYTES:
        raise DecompressionError(f"the body grows beyond {MAX_BODY_BYTES} bytes")


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
            return _Zlib(zlib.MAX_WBITS | 16)
        case "deflate":
            return _Zlib(zlib.MAX_WBITS)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise DecompressionError(f"content encoding {name!r} is not known")
