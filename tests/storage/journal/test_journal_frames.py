import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_journal.frames import (
    FLAG_SLIM,
    HEADER_BYTES,
    MAGIC,
    SEGMENT_HEADER,
    Damage,
    Frame,
    Need,
    frame_header,
    next_magic,
    read_frame,
    read_segment_header,
)


def frame(payload: bytes, flags: int = 0) -> bytes:
    return frame_header(payload, flags) + payload


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256)) * 50])
def test_what_was_written_is_read(payload: bytes) -> None:
    data = b"before" + frame(payload, FLAG_SLIM) + b"after"

    found = read_frame(data, 6)

    assert found == Frame(payload=payload, flags=FLAG_SLIM, end=len(data) - 5)
    assert isinstance(found, Frame)
    assert found.slim


def test_every_cut_needs_more_and_says_how_much() -> None:
    whole = frame(b"some payload")

    for cut in range(len(whole)):
        wanted = HEADER_BYTES if cut < HEADER_BYTES else len(whole)
        assert read_frame(whole[:cut], 0) == Need(size=wanted)


def test_every_flipped_bit_is_damage_and_the_next_frame_is_found() -> None:
    first, second = frame(b"first"), frame(b"second")

    for at in range(len(first)):
        for bit in range(8):
            data = bytearray(first + second)
            data[at] ^= 1 << bit
            assert read_frame(bytes(data), 0) == Damage(resume=len(first)), (at, bit)


def test_a_damaged_length_is_damage_not_a_wait_for_bytes_that_never_come() -> None:
    data = bytearray(frame(b"first"))
    data[11] = 0x7F

    assert isinstance(read_frame(bytes(data), 0), Damage)


def test_a_wrong_payload_at_the_very_end_may_be_still_in_writing() -> None:
    data = frame(b"first")[:-1] + b"?"

    assert read_frame(data, 0) == Damage(resume=len(data), at_tail=True)


def test_a_version_of_the_future_is_passed_over_whole() -> None:
    from struct import pack
    from zlib import crc32

    lead = pack("<4sBBHII", MAGIC, 9, 0, 0, 3, crc32(b"new"))
    data = lead + pack("<I", crc32(lead)) + b"new" + frame(b"old")

    assert read_frame(data, 0) == Damage(resume=HEADER_BYTES + 3)


def test_no_utf8_text_holds_the_magic() -> None:
    with pytest.raises(UnicodeDecodeError):
        MAGIC.decode("utf-8")


def test_segment_header_whole_cut_and_damaged() -> None:
    assert read_segment_header(SEGMENT_HEADER + b"x") == len(SEGMENT_HEADER)
    assert read_segment_header(SEGMENT_HEADER[:3]) == Need(size=len(SEGMENT_HEADER))
    assert read_segment_header(b"?" + SEGMENT_HEADER[1:] + frame(b"x")) == Damage(resume=len(SEGMENT_HEADER))


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_that_goes_forward(data: bytes) -> None:
    found = read_frame(data, 0)
    if isinstance(found, Damage):
        assert 0 < found.resume <= max(1, len(data))
    begin = read_segment_header(data)
    assert not isinstance(begin, Damage) or 0 <= begin.resume <= len(data)


@given(st.binary(max_size=30), st.integers(min_value=0, max_value=3))
def test_a_magic_that_the_bytes_cut_off_is_not_passed_over(noise: bytes, length: int) -> None:
    data = noise.replace(b"\xff", b"") + MAGIC[:length]

    assert next_magic(data, 0) == len(data) - length
