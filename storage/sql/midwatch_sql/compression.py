"""Bytes as they are kept: compressed where that pays, and told apart by zstd's own first bytes."""

import threading

import zstandard

from midwatch_core.errors import StorageError

# Below this a frame's own bytes eat what it saves.
_SMALLEST = 160
# No UTF-8 text and no JSON begins like this: 0xB5 can't follow 0x28.
_MAGIC = b"\x28\xb5\x2f\xfd"
# A body above the proxy's own limit was never recorded: more is damage.
_LARGEST = 1 << 30
_local = threading.local()


def pack(data: bytes) -> bytes:
    """The bytes to keep for `data`, which is UTF-8."""
    if len(data) < _SMALLEST:
        return data
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=1)
    packed: bytes = _local.compressor.compress(data)
    return packed if len(packed) < len(data) else data


def unpack(data: bytes) -> bytes:
    """What was packed. Raises StorageError, zstandard.ZstdError for damaged bytes."""
    if not data.startswith(_MAGIC):
        return data
    if not 0 <= zstandard.frame_content_size(data) <= _LARGEST:
        raise StorageError("a damaged text in the store")
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    unpacked: bytes = _local.decompressor.decompress(data)
    return unpacked
