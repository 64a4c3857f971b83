"""Slices: a reader that dies gives the next one the same batches again, wherever it died; and nothing is lost."""

import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_journal import Entry, JournalLimits, JournalReader, JournalWriter, Position, source
from midwatch_journal.cursor import save_cursor
from midwatch_journal.slices import SliceLog

LIMITS = JournalLimits(segment_bytes=150, fsync_interval_s=60)


class Killed(BaseException):
    """What a signal 9 is to the code it hits: nothing handles it."""


@contextmanager
def killed_at(cursor: int, *, written: bool) -> Iterator[None]:
    """The process ends when it saves the cursor of the so-many-th writer: before that is on the disk, or after."""
    left = cursor

    def save(folder: Path, position: Position) -> bool:
        nonlocal left
        left -= 1
        if left < 0 and not written:
            raise Killed
        saved = save_cursor(folder, position)
        if left < 0:
            raise Killed
        return saved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "save_cursor", save)
        yield


def payloads_of(entries: list[Entry]) -> tuple[bytes, ...]:
    return tuple(entry.payload for entry in entries)


class House:
    """A journal, who writes and reads it, and what must come of that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writers: list[JournalWriter] = []
        self.reader = JournalReader(root)
        self.written: list[bytes] = []
        self.kept: list[bytes] = []
        self.out: deque[tuple[list[Entry], tuple[bytes, ...]]] = deque()
        self.again: deque[tuple[bytes, ...]] = deque()

    def write(self, writer: int, frames: int) -> None:
        while len(self.writers) <= writer:
            self.writers.append(JournalWriter(self.root, f"w{len(self.writers)}", limits=LIMITS))
        for _ in range(frames):
            payload = b"%d:%d " % (writer, len(self.written)) + bytes(len(self.written) % 40)
            if self.writers[writer].append(payload).wait(60):
                self.written.append(payload)

    def write_all(self, frames: int) -> None:
        for writer in range(3):
            self.write(writer, frames)

    def end_writer(self, writer: int) -> None:
        if writer < len(self.writers):
            self.writers[writer].close(20)

    def poll(self, max_frames: int) -> None:
        entries = self.reader.poll(max_frames=max_frames, max_bytes=max_frames * 30)
        if self.again:
            assert payloads_of(entries) == self.again.popleft()
        if entries:
            self.out.append((entries, payloads_of(entries)))

    def keep(self, aside: bool = False) -> None:
        """The oldest slice is stored: acknowledged, as is any other; one frame of it may have gone aside."""
        if self.out:
            entries, payloads = self.out.popleft()
            if aside:
                self.reader.dead_letter(entries[0], "refused")
            self.reader.acknowledge(entry.position for entry in entries)
            self.kept += payloads

    def rewind(self) -> None:
        self.reader.rewind()
        self._all_again()

    def die(self) -> None:
        """Only the lock goes: the kernel drops that one by itself."""
        self.reader._lock.release()
        self.reader = JournalReader(self.root)
        self._all_again()

    def die_while_keeping(self, cursor: int, written: bool) -> None:
        """Dead between two writers' cursors: the slice is stored, and must not come in halves."""
        dying = self.out[0][1] if self.out else ()
        try:
            with killed_at(cursor, written=written):
                self.keep()
        except Killed:
            self.kept += dying
        self.die()

    def _all_again(self) -> None:
        self.again.extendleft(reversed([payloads for _, payloads in self.out]))
        self.out.clear()

    def finish(self) -> None:
        for writer in self.writers:
            writer.close(20)
        self.rewind()
        for _ in range(len(self.written) + len(self.again) + 1):
            self.poll(5)
            self.keep()
        self.reader.close()


def interleaved() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    writer, frames = st.integers(0, 2), st.integers(1, 12)
    step = st.one_of(
        st.tuples(st.just("write"), writer, frames),
        st.tuples(st.just("write_all"), frames),
        st.tuples(st.just("poll"), frames),
        st.tuples(st.just("keep"), st.booleans()),
        st.tuples(st.just("die")),
        st.tuples(st.just("rewind")),
        st.tuples(st.just("die_while_keeping"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("end_writer"), writer),
    )
    return st.lists(step, min_size=4, max_size=30)


@settings(max_examples=150, deadline=None)
@given(steps=interleaved())
def test_whatever_happens_the_same_slices_come_again_and_nothing_is_lost(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder) / "journal")
        try:
            for name, *arguments in steps:
                getattr(house, name)(*arguments)
            house.finish()
        finally:
            for writer in house.writers:
                writer.close(20)
    assert sorted(house.kept) == sorted(house.written)


@pytest.mark.parametrize("cursor", [0, 1, 2])
@pytest.mark.parametrize("written", [True, False])
def test_a_death_between_the_cursors_of_two_writers_leaves_no_half_slice(
    root: Path, cursor: int, written: bool
) -> None:
    house = House(root)
    house.write_all(2)
    house.poll(6)
    house.die_while_keeping(cursor, written)
    assert len(house.kept) == 6
    assert house.reader.poll() == []
    # The log begins anew with the next slice: what it said of the first must stand in the cursors by then.
    for _ in range(2):
        house.write(3, 1)
        house.poll(3)
        house.keep()
    house.die()
    assert house.reader.poll() == []
    house.finish()
    assert sorted(house.kept) == sorted(house.written)


def write(root: Path, name: str, payloads: list[bytes]) -> None:
    with JournalWriter(root, name, limits=LIMITS) as writer:
        for payload in payloads:
            assert writer.append(payload).wait(60)


def test_frames_that_came_meanwhile_do_not_join_a_slice_that_comes_again(root: Path) -> None:
    write(root, "a", [b"a1", b"a2"])
    with JournalReader(root) as reader:
        before = payloads_of(reader.poll())
    write(root, "a0", [b"early by its name"])
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll(max_frames=1)) == before == (b"a1", b"a2")
        assert payloads_of(reader.poll()) == (b"early by its name",)


def test_a_clean_acknowledge_leaves_no_note_behind(root: Path) -> None:
    write(root, "a", [b"a1", b"a2"])
    with JournalReader(root) as reader:
        reader.acknowledge(entry.position for entry in reader.poll())
    assert not (root / "slices").exists()


@pytest.mark.parametrize("note", [None, b"", b"MWSL", b"\0" * 5000, b"what else", bytes(range(256)) * 20])
def test_without_a_note_that_can_be_read_all_comes_again_in_whatever_slices(root: Path, note: bytes | None) -> None:
    write(root, "a", [b"%02d" % number for number in range(9)])
    with JournalReader(root) as reader:
        reader.poll(max_frames=4)
    (root / "slices").unlink()
    if note is not None:
        (root / "slices").write_bytes(note)
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll()) == tuple(b"%02d" % number for number in range(9))
        assert reader.stats().slice_errors == 0


def test_a_note_cut_anywhere_costs_the_slices_after_the_cut_only(root: Path) -> None:
    write(root, "a", [b"%02d" % number for number in range(9)])
    with JournalReader(root) as reader:
        slices = [payloads_of(reader.poll(max_frames=3)) for _ in range(3)]
    note = (root / "slices").read_bytes()
    for cut in range(0, len(note), 7):
        (root / "slices").write_bytes(note[:cut])
        with JournalReader(root) as reader:
            noted = len(reader._log.slices)
            again = [payloads_of(reader.poll()) for _ in range(noted)]
            assert again == slices[:noted]
            assert sum(again, ()) + payloads_of(reader.poll()) == sum(slices, ())


def test_a_disk_that_takes_no_note_is_counted_and_costs_nothing_else(root: Path) -> None:
    write(root, "a", [b"a1", b"a2"])
    (root / "slices").mkdir()
    with JournalReader(root) as reader:
        assert payloads_of(reader.poll()) == (b"a1", b"a2")
        assert reader.stats().slice_errors == 1
        reader.rewind()
        entries = reader.poll()
        assert payloads_of(entries) == (b"a1", b"a2")
        reader.acknowledge(entry.position for entry in entries)
        assert (reader.poll(), reader.stats().slice_errors) == ([], 2)


def test_the_log_begins_anew_and_older_records_behind_its_end_are_not_read(tmp_path: Path) -> None:
    log = SliceLog(tmp_path / "slices")
    long = tuple(Position(writer=f"writer-{number}", segment=1, offset=8) for number in range(9))
    for _ in range(5):
        assert log.note(long)
    log.clear()
    assert log.note(long[:1])
    assert SliceLog(tmp_path / "slices").slices == [long[:1]]


def test_the_log_is_bounded_and_no_slice_follows_one_that_is_missing(tmp_path: Path) -> None:
    log = SliceLog(tmp_path / "slices")
    ends = tuple(Position(writer="w" * 100, segment=1, offset=number) for number in range(1000))
    noted = [log.note(ends) for _ in range(12)]
    assert noted == sorted(noted, reverse=True)
    assert not all(noted)
    assert not log.note(ends[:1])
    assert len(SliceLog(tmp_path / "slices").slices) == sum(noted)
    log.clear()
    assert log.note(ends[:1])
