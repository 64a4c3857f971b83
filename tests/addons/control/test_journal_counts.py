from pathlib import Path

from midwatch.control.journal_counts import METRICS, report_reader
from midwatch_core.metrics import Metrics
from midwatch_journal import JournalReader, JournalWriter


def test_what_is_damaged_or_torn_and_notes_that_were_not_taken_are_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.declare(METRICS)
    with JournalWriter(tmp_path, "w0") as writer:
        for payload in (b"first", b"second", b"third"):
            assert writer.append(payload).wait(60)
    segment = tmp_path / "w0" / "000001.seg"
    segment.write_bytes(segment.read_bytes().replace(b"second", b"s?cond") + b"\xffMWJ\x01")
    (tmp_path / "slices").mkdir()
    with JournalReader(tmp_path) as reader:
        assert [entry.payload for entry in reader.poll()] == [b"first", b"third"]
        for _ in range(2):  # set, not added
            report_reader(reader.stats(), metrics)
    assert {item.name.removeprefix("midwatch_"): item.values[0] for item in metrics.samples()} == {
        "journal_corrupt_total": 1,
        "journal_torn_total": 1,
        "journal_read_errors_total": 0,
        "journal_note_errors_total": 1,
        "dead_letters_lost_total": 0,
    }
