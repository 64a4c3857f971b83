"""Journaling: a frame is out of the process when `write` returns, and the counters tell how it goes."""

from pathlib import Path

from midwatch.proxy.journaling import Journalist
from midwatch.proxy.numbers import JOURNALING as METRICS
from midwatch_core.frame import FrameDecoder, slim
from midwatch_core.metrics import Metrics
from midwatch_core.testing.factories import make_exchange
from midwatch_journal import JournalLimits, JournalReader, JournalWriter, new_writer_id


def counted(journalist: Journalist) -> dict[str, float]:
    metrics = Metrics()
    metrics.declare(METRICS)
    journalist.report(metrics)
    return {item.name.removeprefix("midwatch_journal_"): item.values[0] for item in metrics.samples()}


def test_what_was_written_can_be_read_at_once(tmp_path: Path) -> None:
    exchanges = [make_exchange() for _ in range(3)]
    with JournalWriter(tmp_path, new_writer_id()) as writer, JournalReader(tmp_path) as reader:
        journalist = Journalist(writer)
        for exchange in exchanges:
            journalist.write(exchange)
        assert [FrameDecoder().decode(entry.payload) for entry in reader.poll()] == exchanges
        found = counted(journalist)
    assert (found["frames_total"], found["dropped_total"], found["late_total"]) == (3, 0, 0)
    assert found["bytes_total"] > 0


def test_a_full_journal_keeps_the_numbers_without_the_texts(tmp_path: Path) -> None:
    limits = JournalLimits(max_bytes=64 * 1024, segment_bytes=16 * 1024, reserve_bytes=16 * 1024)
    writer = JournalWriter(tmp_path, new_writer_id(), slim=slim, limits=limits)
    with writer, JournalReader(tmp_path) as reader:
        journalist = Journalist(writer)
        for _ in range(10):
            journalist.write(make_exchange(answer="x" * 20_000))
        found = counted(journalist)
        back = [FrameDecoder().decode(entry.payload) for entry in reader.poll()]
    assert found["slim_total"] > 0
    assert found["dropped_total"] == 0
    assert len(back) == 10
    assert back[-1].decode_error == "texts left out: the disk was full"


def test_after_its_end_a_frame_is_counted_as_lost_and_raises_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, new_writer_id())
    journalist = Journalist(writer)
    writer.close()
    journalist.write(make_exchange())
    assert counted(journalist)["dropped_total"] == 1


def test_calls_are_refused_only_where_nothing_can_be_kept_and_only_if_asked_for(tmp_path: Path) -> None:
    limits = JournalLimits(max_bytes=64 * 1024, segment_bytes=16 * 1024, reserve_bytes=16 * 1024)
    with JournalWriter(tmp_path, new_writer_id(), limits=limits) as writer:  # without `slim`, texts can't be left out
        refusing, passing = Journalist(writer, when_full="refuse"), Journalist(writer)
        assert not refusing.refuses
        for _ in range(10):
            refusing.write(make_exchange(answer="x" * 20_000))
        assert refusing.refuses
        assert not passing.refuses
