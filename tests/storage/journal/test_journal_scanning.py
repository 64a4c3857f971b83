"""Segments on disk, torn at every byte and damaged anywhere, read by the reader itself."""

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch_journal import JournalReader
from midwatch_journal.frames import SEGMENT_HEADER, frame_header
from midwatch_journal.scanning import SegmentScan
from midwatch_journal.stats import ReaderTally

PAYLOADS = [b"", b"{}", b'{"n": 1}', b"x" * 90, b'{"text": "\xc3\xa9"}']


def segment(payloads: list[bytes]) -> bytes:
    return SEGMENT_HEADER + b"".join(frame_header(payload) + payload for payload in payloads)


def ends(payloads: list[bytes]) -> list[int]:
    return [len(segment(payloads[: count + 1])) for count in range(len(payloads))]


def scan(path: Path, *, sealed: bool, tally: ReaderTally | None = None) -> list[bytes]:
    reading = SegmentScan(path, 0, tally or ReaderTally())
    try:
        return [frame.payload for frame, _ in reading.take(1000, 1 << 30, sealed=sealed)]
    finally:
        reading.close()


def test_torn_at_every_byte_the_whole_frames_are_read(tmp_path: Path) -> None:
    data, path = segment(PAYLOADS), tmp_path / "000001.seg"
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        tally = ReaderTally()
        whole = sum(end <= cut for end in ends(PAYLOADS))

        assert scan(path, sealed=True, tally=tally) == PAYLOADS[:whole]
        clean = cut in (0, len(SEGMENT_HEADER), *ends(PAYLOADS))
        assert (tally.torn, tally.corrupt) == (0 if clean else 1, 0), cut


def test_written_byte_by_byte_each_frame_comes_once_when_it_is_whole(tmp_path: Path) -> None:
    data, path = segment(PAYLOADS), tmp_path / "000001.seg"
    path.touch()
    tally = ReaderTally()
    reading = SegmentScan(path, 0, tally)
    seen: list[bytes] = []
    with path.open("ab", buffering=0) as file:
        for at in range(len(data)):
            file.write(data[at : at + 1])
            seen += [frame.payload for frame, _ in reading.take(10, 1000, sealed=False)]
            assert len(seen) == sum(end <= at + 1 for end in ends(PAYLOADS))
    reading.close()

    assert seen == PAYLOADS
    assert (tally.torn, tally.corrupt) == (0, 0)


def test_every_damaged_byte_costs_at_most_its_own_frame(tmp_path: Path) -> None:
    data, path = segment(PAYLOADS), tmp_path / "000001.seg"
    borders = [len(SEGMENT_HEADER), *ends(PAYLOADS)]
    for at in range(len(data)):
        for value in (0x00, 0xFF, data[at] ^ 0x01):
            if value == data[at]:
                continue
            path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            touched = sum(border <= at for border in borders) - 1
            kept = [payload for index, payload in enumerate(PAYLOADS) if index != touched]
            tally = ReaderTally()

            assert scan(path, sealed=True, tally=tally) == kept, (at, value)
            assert tally.corrupt + tally.torn == 1


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    payloads=st.lists(st.binary(max_size=60), min_size=1, max_size=8),
    start=st.integers(min_value=0, max_value=600),
    noise=st.binary(max_size=80),
    removed=st.integers(min_value=0, max_value=80),
)
def test_noise_anywhere_never_raises_and_spares_the_frames_it_does_not_touch(
    tmp_path: Path, payloads: list[bytes], start: int, noise: bytes, removed: int
) -> None:
    data, path = segment(payloads), tmp_path / "000001.seg"
    start = min(start, len(data))
    path.write_bytes(data[:start] + noise + data[start + removed :])
    borders = [len(SEGMENT_HEADER), *ends(payloads)]
    spared = [
        payload
        for index, payload in enumerate(payloads)
        if borders[index + 1] <= start or borders[index] >= start + removed
        if not (start < borders[index + 1] and borders[index] < start)  # bytes put into the middle of it
    ]

    found = scan(path, sealed=True)

    remaining = iter(found)
    assert all(payload in remaining for payload in spared)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400), sealed=st.booleans())
def test_any_file_is_read_to_an_end(tmp_path: Path, data: bytes, sealed: bool) -> None:
    path = tmp_path / "000001.seg"
    path.write_bytes(data)

    assert scan(path, sealed=sealed) == []


def test_frames_larger_than_the_reading_chunk_and_damage_longer_than_it(tmp_path: Path) -> None:
    big = random.Random(7).randbytes(3_000_000)
    path = tmp_path / "000001.seg"
    path.write_bytes(segment([b"first", big]) + bytes(2_500_000) + segment([b"last"])[len(SEGMENT_HEADER) :])
    tally = ReaderTally()

    assert scan(path, sealed=True, tally=tally) == [b"first", big, b"last"]
    assert (tally.torn, tally.corrupt) == (0, 1)


def test_a_damaged_live_segment_goes_on_with_the_next_frame(root: Path) -> None:
    folder = root / "w0-1-1"
    folder.mkdir(parents=True)
    data = segment([b"first", b"second"])
    (folder / "000001.seg").write_bytes(data[:-1] + b"?")
    (folder / "000002.seg").write_bytes(segment([b"third"]))

    with JournalReader(root) as reader:
        assert [entry.payload for entry in reader.poll()] == [b"first", b"third"]
        assert reader.stats().corrupt == 1
