"""The benchmarks run from end to end on a small load, and their rows say what they should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # `benchmarks` is a package of the checkout, not of a distribution

from benchmarks.load import Load, chat_body, chat_request  # noqa: E402
from benchmarks.row import at_most, compare, no_more, table  # noqa: E402
from benchmarks.sim import Sim  # noqa: E402
from benchmarks.upstream import json_answer, stream_writes  # noqa: E402


def test_one_benchmark_prints_a_table_and_json(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    command = [sys.executable, "-m", "benchmarks", "ttft", "--no-suite", "--runs", "1", "--scale", "0.01"]
    done = subprocess.run(
        [*command, "--json", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(out.read_text())
    assert row["name"] == "TTFT, lean stream=True"
    assert row["ratio"] > 0
    assert "TTFT" in done.stdout


def test_an_unknown_benchmark_is_wrong_use() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2


def test_rows_know_their_targets() -> None:
    rows = [
        compare("a", 130.0, "x/s", 100.0, least=1.3),
        compare("b", 120.0, "x/s", 100.0, least=1.3),
        compare("c", 120.0, "x/s", 100.0),
        no_more("d", 99.0, "ms", 100.0, most=1.0),
        at_most("e", 3.0, "s", 2.0),
    ]
    assert [row.ok for row in rows] == [True, False, None, True, False]
    assert "SHORT" in table(rows)
    assert rows[0].as_json()["target"] == "≥ 1.3 × stock"


def test_sim_header_round_trips_and_passes_over_what_it_does_not_know() -> None:
    sim = Sim(tokens=7, events_per_write=3, gap_ms=2)
    assert Sim.parse(sim.header()) == sim
    assert Sim.parse("tokens=7, colour=3, rubbish") == Sim(tokens=7)


def test_streams_hold_their_tokens_in_writes_of_the_asked_size() -> None:
    writes = stream_writes(7, 3)
    assert [write.count(b"data: ") for write in writes] == [3, 3, 1, 2]
    assert writes[-1].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_bodies_have_about_the_asked_size() -> None:
    assert 10_000 <= len(chat_body(10_000)) < 10_300
    assert 10_000 <= len(json_answer(10_000)) < 10_600
    assert chat_request(Sim(), body=b"{}").endswith(b"content-length: 2\r\n\r\n{}")
    assert Load().per_second == 0.0
