"""Full disks, for real: a small tmpfs, a limit on file sizes, and the journal's own bound."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from midwatch_journal import Entry, JournalLimits, JournalReader, JournalState, JournalWriter, Outcome, Ticket

type Eventually = Callable[[Callable[[], bool]], None]

LIMITS = JournalLimits(reserve_bytes=256 * 1024, refresh_s=0.02, retry_s=0.02, max_bytes=1 << 30)
BOUND = JournalLimits(max_bytes=100_000, reserve_bytes=20_000, refresh_s=0.02, retry_s=0.02, segment_bytes=10_000)


def whole(number: int, size: int = 20_000) -> bytes:
    return b"%06d" % number + bytes([number % 251]) * size


def slim(payload: bytes) -> bytes:
    return payload[:6]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("root: mounting a small tmpfs needs it")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"root: allowed to mount a tmpfs, here {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def append_until(writer: JournalWriter, outcome: Outcome, numbers: Iterator[int], size: int = 20_000) -> list[Ticket]:
    tickets: list[Ticket] = []
    for number in numbers:
        tickets.append(writer.append(whole(number, size)))
        tickets[-1].wait(60)
        if tickets[-1].outcome is outcome:
            return tickets
        assert number < 50_000, f"never {outcome}"
    return tickets


def expected(tickets: list[Ticket], size: int = 20_000) -> list[tuple[bytes, bool]]:
    """What the reader must find: each frame as its ticket said."""
    found: list[tuple[bytes, bool]] = []
    for number, ticket in enumerate(tickets):
        if ticket.outcome is Outcome.WRITTEN:
            found.append((whole(number, size), False))
        elif ticket.outcome is Outcome.SLIM:
            found.append((slim(whole(number, size)), True))
    return found


def drain(reader: JournalReader) -> list[Entry]:
    found: list[Entry] = []
    while entries := reader.poll():
        found += entries
        reader.acknowledge(entry.position for entry in entries)
    return found


def read_all(root: Path) -> list[tuple[bytes, bool]]:
    with JournalReader(root) as reader:
        found = [(entry.payload, entry.slim) for entry in drain(reader)]
        assert (reader.stats().corrupt, reader.stats().torn) == (0, 0)
    return found


def test_a_full_disk_takes_texts_first_then_frames_and_recovers(small_disk: Path, eventually: Eventually) -> None:
    root, ballast = small_disk / "journal", small_disk / "ballast"
    writer = JournalWriter(root, "w0-1-1", slim=slim, limits=LIMITS)
    assert writer.stats().state is JournalState.OK
    numbers = iter(range(100_000))
    tickets = append_until(writer, Outcome.WRITTEN, numbers)
    with ballast.open("wb", buffering=0) as file:
        while os.statvfs(small_disk).f_bavail > 30:
            file.write(bytes(4096))

    tickets += append_until(writer, Outcome.SLIM, numbers)
    assert writer.stats().state is JournalState.SLIM
    slim_room = 0
    while os.statvfs(small_disk).f_bavail:  # someone else takes even the reserve's blocks
        with ballast.open("ab", buffering=0) as file:
            try:
                file.write(bytes(4096))
            except OSError:
                break
        slim_room += 1
    assert slim_room > 20, "the reserve was given back to the disk"
    tickets += append_until(writer, Outcome.DROPPED, numbers)
    assert writer.stats().state is JournalState.FULL

    ballast.unlink()
    eventually(lambda: writer.state is JournalState.OK)
    tickets += append_until(writer, Outcome.WRITTEN, numbers)
    assert writer.close(20)
    stats = writer.stats()
    assert stats.dropped == sum(ticket.outcome is Outcome.DROPPED for ticket in tickets)
    assert stats.slim == sum(ticket.outcome is Outcome.SLIM for ticket in tickets)
    assert read_all(root) == expected(tickets)


def test_a_disk_that_the_journal_itself_filled_empties_as_the_reader_acknowledges(
    small_disk: Path, eventually: Eventually
) -> None:
    root = small_disk / "journal"
    limits = JournalLimits(
        reserve_bytes=256 * 1024, refresh_s=0.02, retry_s=0.02, segment_bytes=500_000, segment_age_s=0.02
    )
    writer = JournalWriter(root, "w0-1-1", slim=slim, limits=limits)
    numbers = iter(range(100_000))
    with JournalReader(root) as reader:
        tickets = append_until(writer, Outcome.SLIM, numbers)
        found = drain(reader)

        def recovered() -> bool:
            found.extend(drain(reader))
            return writer.state is JournalState.OK

        eventually(recovered)
        tickets += append_until(writer, Outcome.WRITTEN, numbers)
        assert writer.close(20)
        found += drain(reader)
        assert [(entry.payload, entry.slim) for entry in found] == expected(tickets)
        assert reader.stats().corrupt == 0


def test_slim_frames_within_the_bound_use_the_reserve_of_a_disk_that_others_filled(small_disk: Path) -> None:
    root = small_disk / "journal"
    limits = JournalLimits(max_bytes=256 * 1024 + 100, reserve_bytes=256 * 1024, refresh_s=0.02)
    with JournalWriter(root, "w0-1-1", slim=slim, limits=limits) as writer:
        with (small_disk / "ballast").open("wb", buffering=0) as file:
            while os.statvfs(small_disk).f_bavail:
                file.write(bytes(4096))
        tickets = append_until(writer, Outcome.DROPPED, iter(range(100_000)))
    assert len(tickets) > 9_000, "frames of 26 bytes fill the bound's 256 KB, on blocks that only the reserve had"
    assert [ticket.outcome for ticket in tickets[:-1]] == [Outcome.SLIM] * (len(tickets) - 1)
    assert read_all(root) == expected(tickets)


def test_a_writer_that_starts_on_a_nearly_full_disk_keeps_frames_without_texts(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(3_700_000))
    with JournalWriter(small_disk / "journal", "w0-1-1", slim=slim, limits=LIMITS) as writer:
        assert writer.stats().state is JournalState.SLIM
        assert writer.append(whole(1)).wait(60)
    assert read_all(small_disk / "journal") == [(b"000001", True)]


def test_the_bound_takes_texts_first_then_frames_and_recovers_as_segments_go(
    root: Path, eventually: Eventually
) -> None:
    writer = JournalWriter(root, "w0-1-1", slim=slim, limits=BOUND)
    numbers = iter(range(100_000))
    tickets = append_until(writer, Outcome.SLIM, numbers, 1000)
    assert writer.stats().state is JournalState.SLIM
    assert sum(ticket.outcome is Outcome.WRITTEN for ticket in tickets) == 80_000 // 1026
    tickets += append_until(writer, Outcome.DROPPED, numbers, 1000)
    assert writer.stats().state is JournalState.FULL
    assert sum(path.stat().st_size for path in (root / "w0-1-1").glob("*.seg")) <= 100_000

    with JournalReader(root) as reader:
        found = drain(reader)
        eventually(lambda: writer.state is JournalState.OK)
        tickets += append_until(writer, Outcome.WRITTEN, numbers, 1000)
        assert writer.close(20)
        found += drain(reader)
    assert [(entry.payload, entry.slim) for entry in found] == expected(tickets, 1000)


def test_the_bound_counts_other_writers_files(root: Path, eventually: Eventually) -> None:
    with JournalWriter(root, "w0-1-1", slim=slim, limits=BOUND) as one:
        with JournalWriter(root, "w1-1-1", limits=LIMITS) as other:
            assert other.append(bytes(90_000)).wait(60)
        eventually(lambda: one.stats().used_bytes > 90_000)
        ticket = one.append(whole(1, 1000))
        assert ticket.wait(60)
        assert ticket.outcome is Outcome.SLIM


def test_without_a_slim_form_frames_are_dropped_and_counted(root: Path) -> None:
    with JournalWriter(root, "w0-1-1", limits=BOUND) as writer:
        assert not writer.append(bytes(90_000)).wait(60)
        assert (writer.state, writer.stats().dropped) == (JournalState.FULL, 1)


def test_a_slim_that_fails_costs_its_frame_only(root: Path, eventually: Eventually) -> None:
    def broken(payload: bytes) -> bytes:
        raise KeyError("texts")

    with JournalWriter(root, "w0-1-1", slim=broken, limits=BOUND) as writer:
        assert not writer.append(bytes(90_000)).wait(60)
        eventually(lambda: writer.state is JournalState.OK)
        assert writer.append(b"next").wait(60)
        assert writer.stats().slim_errors == 1


# RLIMIT_FSIZE: the write that crosses it is cut short (a torn frame), the next fails with EFBIG. A new segment helps.
LIMITED = """
import resource, sys
from pathlib import Path
from midwatch_journal import JournalLimits, JournalWriter, Outcome
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
limits = JournalLimits(retry_s=0.01)
writer = JournalWriter(Path(sys.argv[1]), "w0-1-1", slim=lambda payload: payload[:6], limits=limits)
outcomes = []
for number in range(40):
    size = 150_000 if number == 20 else 9_000
    ticket = writer.append(b"%06d" % number + bytes([number]) * size)
    if number % 3 == 0:
        ticket.wait(20)
    outcomes.append(ticket)
assert writer.close(20)
assert writer.stats().write_errors >= 4, writer.stats()
print(*(ticket.outcome for ticket in outcomes))
"""


def test_a_torn_write_goes_on_in_a_new_segment_with_the_frame_whole(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(root)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

    outcomes = done.stdout.split()
    assert [outcomes[20], *outcomes[:20], *outcomes[21:]] == ["slim"] + ["written"] * 39
    frames = [(b"%06d" % n + bytes([n]) * 9_000, False) if n != 20 else (b"000020", True) for n in range(40)]
    assert read_all(root) == frames
