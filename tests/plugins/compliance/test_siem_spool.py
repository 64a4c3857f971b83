"""The spool: what is written is there after a death, readers go on where they were, and it has a bound."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from midwatch_compliance.siem.positions import PositionFile
from midwatch_compliance.siem.spool import Position, Spool


def opened(folder: Path, **sizes: int) -> Spool:
    spool = Spool(folder, **{"max_bytes": 1_000_000, **sizes})
    spool.open()
    return spool


def read_all(spool: Spool, position: Position = Position(), limit: int = 3) -> list[bytes]:  # noqa: B008  # frozen
    found: list[bytes] = []
    while lines := spool.read(position, limit=limit):
        found += [line.data for line in lines]
        position = lines[-1].after
    return found


def test_lines_come_in_order_over_segments(tmp_path: Path) -> None:
    spool = opened(tmp_path, segment_bytes=40)
    written = [f"line {number}".encode() for number in range(20)]
    for line in written:
        spool.append([line])
    assert len(list(tmp_path.glob("events-*.jsonl"))) > 3
    assert read_all(spool) == written
    assert (tmp_path / "events-000000000001.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_reader_goes_on_in_a_spool_that_was_opened_again(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.append([b"a", b"b", b"c"])
    place = first.read(Position(), limit=2)[-1].after
    first.close()
    second = opened(tmp_path)
    second.append([b"d"])
    assert read_all(second, place) == [b"c", b"d"]
    assert second.waiting(place) == 4


def test_half_a_line_of_a_death_is_passed_over(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.append([b"whole"])
    first.close()
    with (tmp_path / "events-000000000001.jsonl").open("ab") as file:
        file.write(b"torn")
    second = opened(tmp_path)
    second.append([b"next"])
    assert read_all(second) == [b"whole", b"next"]


def test_it_says_which_segments_must_go_and_how_much_was_not_read(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=100, segment_bytes=25)
    for number in range(20):
        spool.append([f"line {number:04}".encode()])
        for segment in spool.make_room():
            spool.drop(segment)
    assert spool.size_bytes <= 100 + 10
    kept = read_all(spool)
    assert kept == [f"line {number:04}".encode() for number in range(20 - len(kept), 20)]
    first = min(int(file.stem[-12:]) for file in tmp_path.glob("events-*.jsonl"))
    assert spool.lines_after(first, Position()) == 3
    assert spool.lines_after(first, Position(first, 10)) == 2
    assert spool.lines_after(first, Position(first + 1, 0)) == 0


def test_what_every_reader_has_is_removed_and_the_open_segment_stays(tmp_path: Path) -> None:
    spool = opened(tmp_path, segment_bytes=10)
    spool.append([b"0123456789"])
    spool.append([b"0123456789"])
    spool.drop_before(spool.end)
    assert spool.size_bytes == 0
    assert len(list(tmp_path.glob("events-*.jsonl"))) == 1
    spool.append([b"x"])
    assert read_all(spool) == [b"x"]


def test_places_are_kept_and_broken_ones_are_none(tmp_path: Path) -> None:
    places = PositionFile(tmp_path, "file")
    assert places.read() is None
    places.write(Position(3, 14))
    assert places.read() == Position(3, 14)
    for broken in (b"", b"{}", b"[1]", b'{"segment": -1, "offset": 0}', b'{"segment": "1", "offset": 0}'):
        (tmp_path / "position-file.json").write_bytes(broken)
        assert places.read() is None


WRITER = """
import sys
from pathlib import Path
from midwatch_compliance.siem.spool import Spool
spool = Spool(Path(sys.argv[1]), max_bytes=50_000_000, segment_bytes=4096)
spool.open()
for number in range(10_000_000):
    spool.append([b"%d" % number])
    if number % 100 == 0:
        print(number, flush=True)
"""


def test_what_append_returned_for_outlives_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(30):
            told = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
    spool = opened(tmp_path)
    found = [int(line) for line in read_all(spool, limit=1000)]
    assert found == list(range(len(found)))
    assert found[-1] >= told
