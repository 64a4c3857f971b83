from pathlib import Path

import pytest

from midwatch_journal import Entry, JournalLimits, JournalLockedError, JournalReader, JournalWriter
from midwatch_journal.layout import segment_numbers


def write(root: Path, writer: str, payloads: list[bytes], segment_bytes: int = 1 << 24) -> None:
    with JournalWriter(root, writer, limits=JournalLimits(segment_bytes=segment_bytes)) as open_writer:
        for payload in payloads:
            assert open_writer.append(payload).wait(60)


def drain(reader: JournalReader, **bounds: int) -> list[Entry]:
    found: list[Entry] = []
    while entries := reader.poll(**bounds):
        found += entries
    return found


def payloads_of(entries: list[Entry]) -> list[bytes]:
    return [entry.payload for entry in entries]


def test_nothing_to_read(root: Path) -> None:
    with JournalReader(root) as reader:
        assert reader.poll() == []
        reader.acknowledge([])
        assert reader.depth().bytes == 0


def test_a_second_reader_is_told_who_reads(root: Path) -> None:
    with JournalReader(root), pytest.raises(JournalLockedError, match=r"reader\.lock is held by process \d+"):
        JournalReader(root)
    with JournalReader(root) as reader:
        assert reader.poll() == []


def test_polls_are_bounded_and_nothing_comes_twice(root: Path) -> None:
    payloads = [b"%04d" % number * 25 for number in range(200)]
    write(root, "w0-1-1", payloads, segment_bytes=2000)
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll(max_frames=7)) == payloads[:7]
        assert payloads_of(reader.poll(max_bytes=250)) == payloads[7:10]
        assert payloads_of(drain(reader, max_frames=13)) == payloads[10:]


def test_a_frame_above_the_bound_comes_all_the_same(root: Path) -> None:
    write(root, "w0-1-1", [bytes(300_000), b"next"])
    with JournalReader(root) as reader:
        assert [len(entry.payload) for entry in reader.poll(max_bytes=10)] == [300_000]
        assert payloads_of(reader.poll(max_bytes=10)) == [b"next"]


def test_writers_share_a_poll_and_each_keeps_its_order(root: Path) -> None:
    for name in "abc":
        write(root, f"{name}-1-1", [f"{name}{number:03d}".encode() for number in range(100)])
    with JournalReader(root) as reader:
        first = payloads_of(reader.poll(max_frames=30))
        assert sorted(payload[:1] for payload in first) == [b"a"] * 10 + [b"b"] * 10 + [b"c"] * 10

        everything = first + payloads_of(drain(reader, max_frames=30))
        for start in (b"a", b"b", b"c"):
            assert [item for item in everything if item.startswith(start)] == [start + b"%03d" % n for n in range(100)]


def test_one_quiet_writer_does_not_halve_a_busy_one(root: Path) -> None:
    write(root, "a-1-1", [b"a"])
    write(root, "b-1-1", [b"b"] * 50)
    with JournalReader(root) as reader:
        assert len(reader.poll(max_frames=51)) == 51


def test_what_is_acknowledged_never_comes_again_and_the_rest_does(root: Path) -> None:
    payloads = [b"%03d" % number for number in range(30)]
    write(root, "w0-1-1", payloads, segment_bytes=100)
    for done in range(0, 30, 3):
        with JournalReader(root) as reader:
            entries = reader.poll()
            assert payloads_of(entries) == payloads[done:]
            reader.acknowledge(entry.position for entry in entries[:3])
    with JournalReader(root) as reader:
        assert reader.poll() == []


def test_acknowledged_segments_are_deleted_the_others_stay(root: Path) -> None:
    write(root, "w0-1-1", [bytes(100)] * 9, segment_bytes=300)  # three a segment
    with JournalReader(root) as reader:
        entries = reader.poll()
        assert segment_numbers(root / "w0-1-1") == [1, 2, 3]
        reader.acknowledge([entries[3].position])
        assert segment_numbers(root / "w0-1-1") == [2, 3]
        reader.acknowledge([entries[5].position])
        assert segment_numbers(root / "w0-1-1") == [3]
        assert reader.stats().segments_deleted == 2


def test_a_dead_writers_folder_goes_when_it_is_consumed(root: Path) -> None:
    write(root, "w0-1-1", [b"one"])
    write(root, "w1-1-1", [])
    with JournalReader(root) as reader:
        entries = reader.poll()
        reader.acknowledge(entry.position for entry in entries)
        assert reader.poll() == []
        assert sorted(path.name for path in root.iterdir()) == ["reader.lock", "slices"]


def test_a_writer_that_ends_with_all_acknowledged_leaves_nothing_to_come_again(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1")
    assert writer.append(b"one").wait(60)
    with JournalReader(root) as reader:
        reader.acknowledge(entry.position for entry in reader.poll())
        assert writer.close(20)
        assert [reader.poll() for _ in range(3)] == [[], [], []]
        assert sorted(path.name for path in root.iterdir()) == ["reader.lock", "slices"]


def test_reading_to_the_end_of_a_dead_writer_deletes_nothing_unacknowledged(root: Path) -> None:
    write(root, "w0-1-1", [b"one", b"two"])
    with JournalReader(root) as reader:
        assert payloads_of(drain(reader)) == [b"one", b"two"]
    with JournalReader(root) as reader:
        assert payloads_of(drain(reader)) == [b"one", b"two"]


def test_rewind_brings_back_what_was_not_acknowledged(root: Path) -> None:
    write(root, "w0-1-1", [b"one", b"two", b"three"])
    with JournalReader(root) as reader:
        entries = reader.poll()
        reader.acknowledge([entries[0].position])
        assert reader.poll() == []
        reader.rewind()
        assert payloads_of(reader.poll()) == [b"two", b"three"]


def test_a_live_writer_is_followed(root: Path) -> None:
    limits = JournalLimits(segment_bytes=200)
    with JournalWriter(root, "w0-1-1", limits=limits) as writer, JournalReader(root) as reader:
        for number in range(50):
            payload = b"%03d" % number * 10
            assert writer.append(payload).wait(60)
            entries = reader.poll()
            assert payloads_of(entries) == [payload]
            reader.acknowledge([entries[0].position])
        assert (root / "w0-1-1" / "lock").exists()
        assert len(segment_numbers(root / "w0-1-1")) <= 2
        assert reader.depth().writers_alive == 1


def test_a_torn_tail_waits_while_the_writer_lives_and_is_skipped_when_it_is_dead(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1")
    assert writer.append(b"one").wait(60)
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll()) == [b"one"]
        with (root / "w0-1-1" / "000001.seg").open("ab") as file:
            file.write(b"\xffMWJ\x01\x00")
        assert reader.poll() == []
        assert reader.stats().torn == 0
        writer.close(20)
        assert reader.poll() == []
        assert (reader.stats().torn, reader.stats().corrupt) == (1, 0)


@pytest.mark.parametrize("cursor", [b"", b"what", b"1", b"-1 -1", b"\xff\xfe", b"1 2 3"])
def test_an_unreadable_cursor_reads_from_the_beginning(root: Path, cursor: bytes) -> None:
    write(root, "w0-1-1", [b"one"])
    (root / "w0-1-1" / "cursor").write_bytes(cursor)
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll()) == [b"one"]


def test_a_segment_that_someone_deleted_is_passed_over(root: Path) -> None:
    write(root, "w0-1-1", [bytes(100)] * 3, segment_bytes=100)
    (root / "w0-1-1" / "000002.seg").unlink()
    with JournalReader(root) as reader:
        assert [entry.position.segment for entry in drain(reader)] == [1, 3]


def test_depth_counts_what_waits(root: Path) -> None:
    write(root, "w0-1-1", [bytes(100)] * 10)
    with JournalReader(root) as reader:
        entries = reader.poll(max_frames=4)
        assert (reader.depth().bytes, reader.depth().frames_unacknowledged) == (8 + 10 * 120, 4)
        reader.acknowledge(entry.position for entry in entries)
        assert (reader.depth().bytes, reader.depth().frames_unacknowledged) == (6 * 120, 0)
