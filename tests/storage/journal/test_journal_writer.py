import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from midwatch_journal import (
    JournalError,
    JournalLimits,
    JournalReader,
    JournalState,
    JournalWriter,
    Outcome,
    new_writer_id,
)
from midwatch_journal.layout import segment_numbers

type Eventually = Callable[[Callable[[], bool]], None]


def read_all(root: Path) -> list[bytes]:
    with JournalReader(root) as reader:
        return [entry.payload for entry in reader.poll(100_000, 1 << 30)]


def test_a_frame_is_readable_once_its_ticket_says_written(root: Path) -> None:
    with JournalWriter(root, "w0-1-1") as writer, JournalReader(root) as reader:
        ticket = writer.append(b"one")

        assert ticket.wait(60)
        assert ticket.outcome is Outcome.WRITTEN
        assert ticket.wait(0)
        assert [entry.payload for entry in reader.poll()] == [b"one"]


def test_files_are_private(root: Path) -> None:
    with JournalWriter(root, "w0-1-1") as writer:
        writer.append(b"one").wait(60)
        for path in (root, root / "w0-1-1"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in (root / "w0-1-1").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_order_is_kept_and_nothing_is_lost_from_many_threads(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1")

    def work(name: int) -> None:
        for number in range(300):
            writer.append(b"%d %d" % (name, number))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.close(20)

    frames = read_all(root)
    for name in range(4):
        mine = [frame for frame in frames if frame.startswith(b"%d " % name)]
        assert mine == [b"%d %d" % (name, number) for number in range(300)]


def test_rotation_by_size(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1", limits=JournalLimits(segment_bytes=1000))
    payloads = [b"%03d" % number * 100 for number in range(20)]
    for payload in payloads:
        assert writer.append(payload).wait(60)
    assert writer.close(20)

    assert len(segment_numbers(root / "w0-1-1")) == 5
    assert writer.stats().segments == 5
    assert read_all(root) == payloads


def test_an_idle_writer_seals_an_old_segment_so_that_it_can_go(root: Path, eventually: Eventually) -> None:
    limits = JournalLimits(segment_age_s=0.01)
    with JournalWriter(root, "w0-1-1", limits=limits) as writer, JournalReader(root) as reader:
        assert writer.append(b"one").wait(60)
        reader.acknowledge(entry.position for entry in reader.poll())
        eventually(lambda: segment_numbers(root / "w0-1-1")[-1] == 2)

        def gone() -> bool:
            reader.poll()
            return not (root / "w0-1-1" / "000001.seg").exists()

        eventually(gone)


def test_counters(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1")
    for _ in range(3):
        assert writer.append(b"12345").wait(60)
    assert writer.close(20)
    stats = writer.stats()

    assert (stats.frames, stats.bytes, stats.dropped, stats.write_errors) == (3, 75, 0, 0)
    assert (stats.queued_frames, stats.queued_bytes, stats.state) == (0, 0, JournalState.OK)
    assert stats.fsyncs >= 1


def test_after_close_frames_are_dropped_and_counted_not_raised(root: Path) -> None:
    writer = JournalWriter(root, "w0-1-1")
    assert writer.close(20)
    assert writer.close(20)

    ticket = writer.append(b"late")

    assert not ticket.wait(60)
    assert (ticket.outcome, writer.stats().dropped) == (Outcome.DROPPED, 1)


def test_the_queue_in_memory_is_bounded(root: Path) -> None:
    with JournalWriter(root, "w0-1-1", limits=JournalLimits(queue_bytes=100)) as writer:
        assert writer.append(bytes(101)).outcome is Outcome.DROPPED
        assert writer.append(bytes(100)).wait(60)


def test_a_disk_that_does_not_answer_makes_waits_late_and_nothing_else(root: Path) -> None:
    release = threading.Event()

    def slim_on_a_slow_disk(payload: bytes) -> bytes:
        release.wait(60)
        return b"slim"

    # A bound of nothing sends every frame through `slim`, here the part that hangs.
    limits = JournalLimits(max_bytes=1001, reserve_bytes=1000)
    writer = JournalWriter(root, "w0-1-1", slim=slim_on_a_slow_disk, limits=limits)
    ticket = writer.append(b"whole")

    assert not ticket.wait(0.001)
    assert not ticket.wait(0)
    assert ticket.outcome is Outcome.PENDING
    # The others do not wait their turn in vain: a loop with a hundred exchanges is held once, not a hundred times.
    others = [writer.append(b"other") for _ in range(100)]
    assert not any(other.wait(60) for other in others)
    assert not writer.close(0.01)
    release.set()
    assert ticket.wait(60)
    assert writer.close(20)
    assert writer.stats().late_waits == 102


def test_a_writer_id_is_for_one_start(root: Path) -> None:
    with JournalWriter(root, "w0-1-1"), pytest.raises(JournalError, match=r"w0-1-1"):
        JournalWriter(root, "w0-1-1")
    assert new_writer_id("w1") != new_writer_id("w1")


@pytest.mark.parametrize("writer", ["", "dead", "../up", ".hidden", "a/b", "x" * 129])
def test_a_writer_id_is_a_plain_name(root: Path, writer: str) -> None:
    with pytest.raises(JournalError, match="writer id"):
        JournalWriter(root, writer)


def test_a_root_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="file"):
        JournalWriter(tmp_path / "file" / "journal", "w0-1-1")


def test_contradicting_limits_are_refused() -> None:
    with pytest.raises(JournalError, match="max_bytes"):
        JournalLimits(max_bytes=10, reserve_bytes=10)


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with JournalWriter(root, "w0-1-1", limits=JournalLimits(segment_bytes=50)) as writer:
        for _ in range(10):
            writer.append(bytes(60))
    with JournalReader(root) as reader:
        reader.acknowledge(entry.position for entry in reader.poll())
        reader.poll()

    assert len(list(Path("/dev/fd").iterdir())) == before
