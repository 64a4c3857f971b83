"""Real processes killed with -9: what a ticket promised is read, as it was written, once in a reader's life."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from midwatch_journal import Entry, JournalReader

# Says on standard output, one line a frame, what write(2) has taken. Frames are large: kills land inside them.
WRITER = """
import random, sys
from pathlib import Path
from midwatch_journal import JournalLimits, JournalWriter
life = sys.argv[2]
limits = JournalLimits(segment_bytes=2_000_000, fsync_interval_s=0.02, max_bytes=1 << 32)
writer = JournalWriter(Path(sys.argv[1]), "w" + life, limits=limits)
tickets = []
for number in range(100_000):
    size = (number * 79_193) % 800_000
    tickets.append(writer.append(b"%s %d " % (life.encode(), number) + bytes([number % 251]) * size))
    if number >= 6:  # the writer thread always has work: a kill seldom finds it idle
        assert tickets[number - 6].wait(30)
        tickets[number - 6] = None
        print(number - 6, flush=True)
"""

# Acknowledges what it printed before, so that a kill falls anywhere between poll, print and acknowledge.
READER = """
import sys
from pathlib import Path
from midwatch_journal import JournalReader
reader = JournalReader(Path(sys.argv[1]))
while True:
    entries = reader.poll(max_frames=5)
    for entry in entries:
        print(entry.payload.decode(), flush=True)
    reader.acknowledge(entry.position for entry in entries)
    if not entries:
        print("end", flush=True)
        break
"""


def start(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)


def lines_until_killed(process: subprocess.Popen[bytes], enough: int, pause_s: float = 0.0) -> list[bytes]:
    """The process's whole lines; it is killed after so many of them, wherever it is by then."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(enough)]
    time.sleep(pause_s)
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait(60)
    process.stdout.close()
    return [line for line in lines if line.endswith(b"\n")]


def check_frame(payload: bytes) -> tuple[int, int]:
    life, number, body = payload.split(b" ", 2)
    assert body == bytes([int(number) % 251]) * ((int(number) * 79_193) % 800_000)
    return int(life), int(number)


def drain(reader: JournalReader) -> list[Entry]:
    found: list[Entry] = []
    while entries := reader.poll():
        found += entries
        reader.acknowledge(entry.position for entry in entries)
    return found


def test_a_writer_killed_thirty_times_loses_nothing_it_said_was_written(root: Path) -> None:
    chance = random.Random(2)
    said: dict[int, int] = {}
    seen: list[tuple[int, int]] = []
    with JournalReader(root) as reader:
        for life in range(30):
            process = start(WRITER, str(root), str(life))
            said[life] = len(lines_until_killed(process, chance.randrange(1, 25), chance.random() / 300))
            if life % 3:  # the reader at times has several dead writers before it
                seen += [check_frame(entry.payload) for entry in drain(reader)]
        seen += [check_frame(entry.payload) for entry in drain(reader)]
        reader.poll()
        stats = reader.stats()

    assert len(seen) == len(set(seen))
    for life, count in said.items():
        mine = [number for of, number in seen if of == life]
        assert mine == list(range(len(mine)))
        assert len(mine) >= count
    assert stats.corrupt == 0
    assert [path.name for path in root.iterdir() if not path.name.startswith(".")] == ["reader.lock"]


def test_a_reader_follows_while_two_writers_are_killed(root: Path) -> None:
    processes = [start(WRITER, str(root), str(life)) for life in (1, 2)]
    seen: list[tuple[int, int]] = []
    with JournalReader(root) as reader:
        while min(sum(of == life for of, _ in seen) for life in (1, 2)) < 30:
            entries = reader.poll(max_bytes=1_000_000)
            seen += [check_frame(entry.payload) for entry in entries]
            reader.acknowledge(entry.position for entry in entries)
            assert all(process.poll() is None for process in processes)
        said = [len(lines_until_killed(process, 1)) for process in processes]
        seen += [check_frame(entry.payload) for entry in drain(reader)]
        assert reader.stats().corrupt == 0

    for life, count in zip((1, 2), said, strict=True):
        mine = [number for of, number in seen if of == life]
        assert mine == list(range(len(mine)))
        assert len(mine) >= count


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reader_killed_between_read_and_acknowledge_gets_the_frames_again(root: Path, seed: int) -> None:
    from midwatch_journal import JournalLimits, JournalWriter

    chance = random.Random(seed)
    with JournalWriter(root, "w0-1-1", limits=JournalLimits(segment_bytes=500)) as writer:
        for number in range(200):
            writer.append(b"%03d" % number)
    seen: list[int] = []
    for _ in range(12):
        lines = lines_until_killed(start(READER, str(root)), chance.randrange(1, 16))
        numbers = [int(line) for line in lines if line != b"end\n"]
        # One life goes on without a gap, and begins no later than where the one before it ended.
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert not numbers or numbers[0] <= (seen[-1] + 1 if seen else 0)
        seen += numbers
    with JournalReader(root) as reader:
        seen += [int(entry.payload) for entry in drain(reader)]

    assert set(seen) == set(range(200))
