"""Times between chunks: exact counts and means, quantiles within a tenth, bounded memory."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.gaps import GapMeter


def metered(gaps_ms: list[float]) -> GapMeter:
    meter, at_s = GapMeter(), 100.0
    meter.tick(at_s)
    for gap_ms in gaps_ms:
        at_s += gap_ms / 1000
        meter.tick(at_s)
    return meter


@pytest.mark.parametrize("chunks", [0, 1])
def test_fewer_than_two_chunks_have_no_gaps(chunks: int) -> None:
    meter = GapMeter()
    for _ in range(chunks):
        meter.tick(1.0)
    assert meter.read() is None


@given(st.lists(st.floats(0.02, 60_000), min_size=1, max_size=200))
def test_the_distribution_is_what_was_fed(gaps_ms: list[float]) -> None:
    gaps = metered(gaps_ms).read()
    assert gaps is not None
    assert gaps.count == len(gaps_ms)
    assert gaps.mean_ms == pytest.approx(statistics.fmean(gaps_ms), rel=0.01, abs=0.01)
    assert gaps.max_ms == pytest.approx(max(gaps_ms), rel=0.01, abs=0.01)
    middle = sorted(gaps_ms)[(len(gaps_ms) + 1) // 2 - 1]
    assert gaps.p50_ms == pytest.approx(middle, rel=0.11, abs=0.02)
    assert gaps.p50_ms <= gaps.p95_ms <= gaps.max_ms


def test_chunks_of_one_read_count_and_clocks_that_stand_still_do_no_harm() -> None:
    gaps = metered([0.0, 0.0, 5.0]).read()
    assert gaps is not None
    assert (gaps.count, gaps.max_ms) == (3, 5.0)


def test_memory_does_not_grow_with_the_stream() -> None:
    meter = metered([index % 50 + 0.5 for index in range(10_000)])
    assert len(meter._buckets) < 100
