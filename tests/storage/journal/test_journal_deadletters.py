import os
from pathlib import Path

from midwatch_journal import DeadLetter, Entry, JournalReader, JournalWriter, Position, read_dead_letters
from midwatch_journal.frames import frame_header
from midwatch_journal.layout import segment_numbers


def entry(payload: bytes, offset: int = 8) -> Entry:
    return Entry(payload=payload, position=Position(writer="w0-1-1", segment=1, offset=offset))


def test_a_dead_letter_is_kept_with_its_reason_and_the_queue_moves_on(root: Path) -> None:
    with JournalWriter(root, "w0-1-1") as writer:
        writer.append(b'{"bad": "\xff"}')
        writer.append(b"good")
    with JournalReader(root, now=lambda: 1_000.5) as reader:
        bad, good = reader.poll()
        assert reader.dead_letter(bad, "no such column: é")
        reader.acknowledge([bad.position, good.position])
        assert reader.stats().dead_letters == 1
        assert reader.poll() == []

    assert list(read_dead_letters(root)) == [DeadLetter(entry=bad, reason="no such column: é", at=1_000.5)]
    assert not (root / "w0-1-1").exists()


def test_letters_of_several_lives_are_read_in_order(root: Path) -> None:
    for life in range(3):
        with JournalReader(root) as reader:
            assert reader.dead_letter(entry(b"%d" % life), "why")

    assert [letter.entry.payload for letter in read_dead_letters(root)] == [b"0", b"1", b"2"]


def test_the_oldest_go_when_the_room_is_used_up(root: Path) -> None:
    with JournalReader(root, dead_letter_bytes=8000) as reader:
        for number in range(100):
            assert reader.dead_letter(entry(b"%03d" % number + bytes(400)), "why")
        lost = reader.stats().dead_letters_lost
    kept = [int(letter.entry.payload[:3]) for letter in read_dead_letters(root)]

    assert sum(path.stat().st_size for path in (root / "dead").iterdir()) <= 8000
    assert kept == list(range(lost, 100))
    assert len(kept) >= 10


def test_foreign_frames_and_damage_are_passed_over(root: Path) -> None:
    with JournalReader(root) as reader:
        reader.dead_letter(entry(b"one"), "why")
    path = root / "dead" / "000001.seg"
    payloads = [b"", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}", os.urandom(50)]
    path.write_bytes(path.read_bytes() + b"noise" + b"".join(frame_header(item) + item for item in payloads))

    assert [letter.entry.payload for letter in read_dead_letters(root)] == [b"one"]


def test_a_folder_that_cannot_be_made_costs_the_letter_not_the_queue(root: Path) -> None:
    with JournalReader(root) as reader:
        (root / "dead").write_text("in the way")
        assert not reader.dead_letter(entry(b"one"), "why")
        assert reader.stats().dead_letters_lost == 1
    assert list(read_dead_letters(root)) == []
    assert segment_numbers(root / "dead") == []
