"""A replay's frames wait for room in the journal instead of being lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from midwatch.replay import sending
from midwatch.replay.sending import JournalFullError, Sender, StoppedError
from midwatch_journal import JournalLimits, JournalReader, JournalWriter, new_writer_id

SMALL = JournalLimits(max_bytes=64 * 1024, reserve_bytes=1024, segment_bytes=8 * 1024, refresh_s=0.01, retry_s=0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PAUSE_S", 0.02)


def test_frames_are_in_the_journal_in_their_order(tmp_path: Path) -> None:
    frames = [str(number).encode() for number in range(50)]
    with JournalWriter(tmp_path, new_writer_id("replay")) as writer:
        for frame in frames:
            Sender(writer, JournalLimits()).send(frame)
    with JournalReader(tmp_path) as reader:
        assert [entry.payload for entry in reader.poll()] == frames


def test_where_nobody_makes_room_it_ends_and_loses_nothing_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_TRIES", 3)
    sent = 0

    def send_without_end(sender: Sender) -> None:
        nonlocal sent
        while True:
            sender.send(b"x" * 1000)
            sent += 1

    with (
        JournalWriter(tmp_path, new_writer_id("replay"), limits=SMALL) as writer,
        pytest.raises(JournalFullError, match="no room"),
    ):
        send_without_end(Sender(writer, SMALL))
    assert 0 < sent < 100
    with JournalReader(tmp_path) as reader:
        assert len(reader.poll(max_frames=1000)) == sent


def test_where_room_is_made_it_goes_on(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, new_writer_id("replay"), limits=SMALL) as writer, JournalReader(tmp_path) as reader:
        sender, stored = Sender(writer, SMALL), 0
        for number in range(300):
            sender.send(b"x" * 1000)
            if number % 20 == 19:
                entries = reader.poll()
                reader.acknowledge(entry.position for entry in entries)
                stored += len(entries)
        stored += len(reader.poll(max_frames=1000))
    assert stored == 300


def test_a_frame_that_never_fits_is_refused_at_once(tmp_path: Path) -> None:
    with (
        JournalWriter(tmp_path, new_writer_id("replay"), limits=SMALL) as writer,
        pytest.raises(JournalFullError, match="larger than the journal takes"),
    ):
        Sender(writer, SMALL).send(b"x" * SMALL.max_bytes)


def test_told_to_stop_it_sends_nothing_more(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, new_writer_id("replay")) as writer:
        sender = Sender(writer, JournalLimits())
        sender.send(b"one")
        sender.stop()
        with pytest.raises(StoppedError, match="sends the rest"):
            sender.send(b"two")
    with JournalReader(tmp_path) as reader:
        assert [entry.payload for entry in reader.poll()] == [b"one"]
