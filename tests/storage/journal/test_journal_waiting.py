"""What waits, seen from outside: as the reader would tell it, while it reads or nobody does."""

from pathlib import Path

from midwatch_journal import JournalReader, JournalWriter, waiting_bytes
from midwatch_journal.frames import HEADER_BYTES

PAYLOADS = [b"x" * 10, b"y" * 20]


def test_no_journal_waits_for_nothing(tmp_path: Path) -> None:
    assert waiting_bytes(tmp_path / "nosuch") == 0


def test_what_is_not_acknowledged_waits(root: Path) -> None:
    with JournalWriter(root, "w0-1-1") as writer, JournalReader(root) as reader:
        assert waiting_bytes(root) == 0  # an open segment without a frame
        for payload in PAYLOADS:
            assert writer.append(payload).wait(60)
        first, last = reader.poll()
        assert waiting_bytes(root) == reader.depth().bytes > sum(map(len, PAYLOADS))
        reader.acknowledge([first.position])
        assert waiting_bytes(root) == reader.depth().bytes == HEADER_BYTES + len(PAYLOADS[1])
        reader.acknowledge([last.position])
        assert waiting_bytes(root) == reader.depth().bytes == 0


def test_looking_leaves_no_trace_and_dead_letters_do_not_wait(root: Path) -> None:
    with JournalWriter(root, "w0-1-1") as writer:
        assert writer.append(PAYLOADS[0]).wait(60)
    with JournalReader(root) as reader:
        entries = reader.poll()
        assert reader.dead_letter(entries[0], "no exchange")
        reader.acknowledge(entry.position for entry in entries)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in root.rglob("*"))
    assert waiting_bytes(root) == 0
    assert sorted((str(path), path.stat().st_mtime_ns) for path in root.rglob("*")) == before
