"""Content encodings: every one of them in any pieces, chained, padded, broken, and blown up."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire import decompression
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from tests.core.wire.wire_checks import cuts, split_at


def _raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
}
NAMES = st.sampled_from(sorted(ENCODERS))
# Text that compresses well, and bytes that do not.
BODIES = st.binary(max_size=300) | st.text(alphabet="ab\n", max_size=60).map(lambda text: text.encode() * 50)


def undo(encoding: str, chunks: list[bytes]) -> bytes:
    decompressor = decompressor_for(encoding)
    assert decompressor is not None
    return b"".join(decompressor.feed(chunk) for chunk in chunks)


@given(NAMES, BODIES, cuts)
def test_any_split_gives_the_body(name: str, body: bytes, where: list[int]) -> None:
    encoding, encode = ENCODERS[name]
    assert undo(encoding, split_at(encode(body), where)) == body


@given(NAMES, BODIES)
def test_byte_by_byte(name: str, body: bytes) -> None:
    encoding, encode = ENCODERS[name]
    assert undo(encoding, [bytes([byte]) for byte in encode(body)]) == body


@pytest.mark.parametrize("name", sorted(ENCODERS))
@pytest.mark.parametrize("size", [1, 257, 258 * 9, 20_001, 80_001])
def test_no_output_is_left_behind(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """zlib and brotli may hold more output than one step asked for, with all of the input taken."""
    monkeypatch.setattr(decompression, "_STEP_BYTES", 64)
    encoding, encode = ENCODERS[name]
    assert undo(encoding, [encode(b"\0" * size)]) == b"\0" * size


def test_chains_and_names() -> None:
    body = b"hello " * 40
    assert undo("gzip, br", [brotli.compress(gzip.compress(body))]) == body
    assert undo("identity, X-GZIP", [gzip.compress(body)]) == body
    assert decompressor_for("") is None
    assert decompressor_for(" identity , ") is None


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip, gzip, gzip", "aws-chunked"])
def test_unknown_encodings(encoding: str) -> None:
    with pytest.raises(DecompressionError):
        decompressor_for(encoding)


@given(cuts)
def test_members_and_padding(where: list[int]) -> None:
    body = gzip.compress(b"one, ") + gzip.compress(b"two") + b"\0" * 8
    assert undo("gzip", split_at(body, where)) == b"one, two"
    assert undo("deflate", split_at(zlib.compress(b"one") + b"\0\0", where)) == b"one"


def test_what_stands_behind_the_end_of_brotli_is_refused_in_any_pieces() -> None:
    body = brotli.compress(b"one") + b"more"
    for chunks in ([body], [bytes([byte]) for byte in body]):
        with pytest.raises(DecompressionError):
            undo("br", chunks)


def test_members_without_number() -> None:
    assert undo("gzip", [gzip.compress(b"") * 3000 + gzip.compress(b"one") * 500]) == b"one" * 500


def test_zstd_frames() -> None:
    encode = zstandard.ZstdCompressor().compress
    assert undo("zstd", [encode(b"one, ") + encode(b"two")]) == b"one, two"


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_a_cut_body_gives_what_came(name: str) -> None:
    """Streams are flushed event by event, so what came whole must be readable."""
    encoding, encode = ENCODERS[name]
    whole = bytes(range(256)) * 40
    partial = undo(encoding, [encode(whole)[:-9]])
    assert whole.startswith(partial)


@given(NAMES, st.binary(min_size=1, max_size=120), cuts)
def test_any_bytes_are_survived(name: str, body: bytes, where: list[int]) -> None:
    decompressor = decompressor_for(ENCODERS[name][0])
    assert decompressor is not None
    for chunk in split_at(body, where):
        try:
            decompressor.feed(chunk)
        except DecompressionError:
            return


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_bombs_are_defused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "MAX_BODY_BYTES", 2 * 1024 * 1024)
    encoding, encode = ENCODERS[name]
    bomb = encode(b"\0" * (16 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(DecompressionError, match="grows beyond"):
        undo(encoding, [bomb])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_a_zstd_window_beyond_the_standards_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=26)
    encoder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = encoder.compress(b"x" * 100_000) + encoder.flush()
    with pytest.raises(DecompressionError):
        undo("zstd", [body])
