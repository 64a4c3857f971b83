"""What is known of a tenant goes through bytes and comes out the same; what is not ours is refused."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_anomaly.settings import Settings
from midwatch_anomaly.state import StateError, unpack
from midwatch_anomaly.watching import Watcher
from tests.plugins.anomaly.anomaly_traffic import HOUR, QUICK, Life, calls, told


@pytest.fixture(scope="module")
def life() -> Life:
    """Half a day, and a spike that goes on."""
    life = Life()
    life.live(12 * HOUR, agent="coder", model="big")
    life.live(3, 300, agent="coder", model="big")
    return life


def test_a_watcher_that_loads_goes_on_as_the_one_that_dumped(life: Life) -> None:
    other = Life()
    other.minute, other.chance = life.minute, life.chance
    other.watcher.load("acme", life.watcher.dump("acme"))
    assert other.watcher.dump("acme") == life.watcher.dump("acme")
    assert [item.explanation for item in other.watcher.running()] == [
        item.explanation for item in life.watcher.running()
    ]
    assert told(other.live(8)) == [("over", "calls", "high")]
    assert told(other.pass_minute(calls(400))) == [("began", "calls", "high")]


def test_loading_twice_changes_nothing(life: Life) -> None:
    watcher = Watcher(QUICK)
    for _ in range(2):
        watcher.load("acme", life.watcher.dump("acme"))
    assert watcher.count == 3


def test_the_age_of_a_series_goes_on_where_it_was(life: Life) -> None:
    known = unpack(life.watcher.dump("acme"), watched=10, bucket_s=60)
    assert {10 - series.born for series in known.series.values()} == {12 * HOUR + 2}


def test_whoever_is_not_known_has_nothing_to_dump() -> None:
    watcher = Watcher(QUICK)
    watcher.load("nobody", watcher.dump("nobody"))
    assert watcher.count == 0


def test_another_length_of_buckets_is_refused(life: Life) -> None:
    with pytest.raises(StateError, match="another length"):
        Watcher(Settings(bucket_s=30)).load("acme", life.watcher.dump("acme"))


@given(at=st.integers(0, 2000), data=st.binary(min_size=1, max_size=8))
def test_a_changed_byte_is_found(life: Life, at: int, data: bytes) -> None:
    kept = life.watcher.dump("acme")
    torn = kept[:at] + data + kept[at + len(data) :]
    if torn == kept:
        return
    watcher = Watcher(QUICK)
    with pytest.raises(StateError):
        watcher.load("acme", torn)
    assert watcher.count == 0


@given(st.binary(max_size=300))
def test_bytes_of_anything_are_refused(data: bytes) -> None:
    with pytest.raises(StateError):
        unpack(data, watched=0, bucket_s=60)


@pytest.mark.parametrize(
    "head",
    [
        {},
        [],
        {"version": 1},
        {"series": [["tenant", "", 1, 1, 1]]},
        {"series": [["planet", "", 1, 1, 1]]},
        {"running": [["tenant", "", "volume", "high", 1, 1, {}]]},
        {"running": [["tenant", "", "volume", "high", 1, 1, 7]]},
        {"series": 7},
    ],
    ids=str,
)
def test_a_sum_that_is_right_over_a_head_that_is_not_is_refused(life: Life, head: object) -> None:
    import zlib

    line = life.watcher.dump("acme")[8:].partition(b"\n")[0]
    whole = {**orjson.loads(line), "series": [], "running": []}
    body = orjson.dumps({**whole, **head} if isinstance(head, dict) and head else head) + b"\n"
    if head == {"version": 1}:
        body = orjson.dumps(head) + b"\n"
    with pytest.raises(StateError):
        unpack(b"%08x" % zlib.crc32(body) + body, watched=0, bucket_s=60)
