"""The bytes of a frame, sans-I/O: how one is written, and how one is read from bytes that may be torn or damaged.

A segment begins with SEGMENT_HEADER, then frames: magic (4), version (1), flags (1), zero (2), payload length (4),
crc32 of the payload (4), crc32 of the 16 bytes before (4), payload. The header has a sum of its own so that a damaged
length is known for what it is, not waited for. The magic begins with 0xFF, which no UTF-8 text holds: JSON inside a
payload can never be taken for a frame, whatever a client sends.
"""

import struct
from dataclasses import dataclass
from zlib import crc32

SEGMENT_HEADER = b"MWJSEG\x01\n"
MAGIC = b"\xffMWJ"
VERSION = 1
HEADER_BYTES = 20
MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
FLAG_SLIM = 1

_LEAD = struct.Struct("<4sBBHII")
_SUM = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A whole frame, its sums right; `end` is the offset of the byte after it in the bytes it was read from."""

    payload: bytes
    flags: int
    end: int

    @property
    def slim(self) -> bool:
        """Whether the writer had no room for the frame's texts and left them out."""
        return bool(self.flags & FLAG_SLIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """All is right so far, but the frame goes on: it takes `size` bytes from its beginning to tell more."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """No frame here; go on at `resume`. `at_tail`: a whole header whose wrong payload ends where the bytes end."""

    resume: int
    at_tail: bool = False


def frame_header(payload: bytes, flags: int = 0) -> bytes:
    """The 20 bytes that go before this payload (at most MAX_PAYLOAD_BYTES)."""
    lead = _LEAD.pack(MAGIC, VERSION, flags, 0, len(payload), crc32(payload))
    return lead + _SUM.pack(crc32(lead))


def read_segment_header(data: bytes) -> int | Need | Damage:
    """Where the frames begin in a segment's first bytes; Damage points at the first frame's magic."""
    if data.startswith(SEGMENT_HEADER):
        return len(SEGMENT_HEADER)
    if SEGMENT_HEADER.startswith(data):
        return Need(size=len(SEGMENT_HEADER))
    return Damage(resume=next_magic(data, 0))


def read_frame(data: bytes, at: int) -> Frame | Need | Damage:
    """The frame that begins at `at`. Never raises on any bytes; Damage.resume is always greater than `at`."""
    lead = data[at : at + HEADER_BYTES]
    if not MAGIC.startswith(lead[:4]):
        return Damage(resume=next_magic(data, at + 1))
    if len(lead) < HEADER_BYTES:
        return Need(size=HEADER_BYTES)
    _, version, flags, _, length, payload_sum = _LEAD.unpack_from(lead)
    if _SUM.unpack_from(lead, _LEAD.size)[0] != crc32(lead[: _LEAD.size]) or length > MAX_PAYLOAD_BYTES:
        return Damage(resume=next_magic(data, at + 1))
    end = at + HEADER_BYTES + length
    if end > len(data):
        return Need(size=HEADER_BYTES + length)
    payload = data[at + HEADER_BYTES : end]
    if version != VERSION or crc32(payload) != payload_sum:
        return Damage(resume=_after_damage(data, at, end), at_tail=end == len(data))
    return Frame(payload=payload, flags=flags, end=end)


def next_magic(data: bytes, start: int) -> int:
    """Where the next magic begins at or after `start`, or where one might begin that the data cuts off, or the end."""
    found = data.find(MAGIC, start)
    if found >= 0:
        return found
    cut_off = data.find(MAGIC[:1], max(start, len(data) - len(MAGIC) + 1))
    return cut_off if cut_off >= 0 else max(start, len(data))


def _after_damage(data: bytes, at: int, end: int) -> int:
    """After a frame whose length is sure and whose payload is not: its end, if a frame (or nothing) follows there."""
    follows = MAGIC.startswith(data[end : end + len(MAGIC)])
    return end if follows else next_magic(data, at + 1)
