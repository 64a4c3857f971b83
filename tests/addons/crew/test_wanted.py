"""What is wanted is read from the snapshot: how many, how large, how old, and by which settings all start."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from midwatch.crew.wanted import Snapshot, Wanted, changed
from midwatch.home import Home, write_private
from midwatch_core.config import Config


def document(**settings: Any) -> dict[str, Any]:
    return {"config": {**Config().model_dump(mode="json"), **settings}, "installed": {"own": "1.0"}, "restart": ""}


def news(before: dict[str, Any], after: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What only a start brings to workers, and to control."""
    one, other = Wanted.of(before), Wanted.of(after)
    return changed(one.for_workers, other.for_workers), changed(one.for_control, other.for_control)


@pytest.mark.parametrize(
    ("setting", "value", "workers", "control"),
    [
        ("upstream_ca", "/ca.pem", True, False),
        ("max_inspect_bytes", 5, True, False),
        ("retention_days", 3, False, True),
        ("retention_days", None, False, True),
        ("breakers", {"failures": 3, "open_s": 30.0, "probes": 3}, True, True),
        ("a_plugins_section", {"key": 1}, True, True),
        ("policy", "strict", False, False),
        ("providers", [{"name": "acme", "hosts": ["llm.acme.example"]}], False, False),
        ("connect_to", {"a": "b:1"}, False, False),
        ("limits", [], False, False),
        ("workers", 7, False, False),
        ("drain_s", 1.0, False, False),
        ("listen", "127.0.0.1:9", False, False),
        ("connections", {"body_s": 5, "min_body_bytes_per_s": 1}, False, False),
        ("alerts", {"channels": []}, False, False),
        ("tls", {"pinned": "refuse", "pinned_hours": 1, "ca": ["/ca.pem"]}, False, False),
        ("upstream", {"proxy": "http://proxy:3128"}, False, False),
    ],
)
def test_a_setting_is_followed_or_brought_by_a_start(setting: str, value: Any, workers: bool, control: bool) -> None:
    of_workers, of_control = news(document(), document(**{setting: value}))
    assert (bool(of_workers), bool(of_control)) == (workers, control)
    assert all(name.partition(".")[0] == setting for name in (*of_workers, *of_control))


def test_of_a_section_only_what_changed_is_named() -> None:
    before = document()
    journal = {**before["config"]["journal"], "max_bytes": 7}
    identity = {**before["config"]["identity"], "client_ca": "/ca.pem"}
    assert news(before, document(journal=journal)) == (["journal.max_bytes"], ["journal.max_bytes"])
    assert news(before, document(identity=identity)) == (["identity.client_ca"], [])
    storage = {**before["config"]["storage"], "traces": "sqlite:///other.db"}
    assert news(before, document(storage=storage)) == (["storage.traces"], ["storage.traces"])


@pytest.mark.parametrize("fresh", [{"installed": {"own": "2.0"}}, {"installed": {}}, {"restart": "again"}])
def test_another_plugin_and_a_restart_that_is_asked_for_are_news_to_all(fresh: dict[str, Any]) -> None:
    of_workers, of_control = news(document(), document() | fresh)
    assert of_workers == of_control
    assert len(of_workers) == 1


def test_bounds_are_in_bytes_and_seconds() -> None:
    wanted = Wanted.of(document(workers=3, worker_memory_mb=2, worker_max_age_hours=1.5, rolling_drain_s=9))
    assert (wanted.workers, wanted.memory_bytes, wanted.age_s, wanted.rolling_drain_s) == (3, 2 * 1024**2, 5400, 9)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def written(home: Home, document: dict[str, Any]) -> None:
    write_private(home.snapshot, orjson.dumps(document))


def test_a_snapshot_is_read_again_when_it_is_another(home: Home) -> None:
    written(home, document(workers=2))
    snapshot = Snapshot(home, Config(), follows=True)
    assert snapshot.wanted().workers == 2
    written(home, document(workers=3) | {"stamp": 7})
    assert (snapshot.wanted().workers, snapshot.wanted().stamp) == (3, 7)


def test_nothing_that_is_no_snapshot_of_ours_changes_what_is_wanted(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = Snapshot(home, Config(workers=5), follows=True)
    assert snapshot.wanted().workers == 5
    written(home, document(workers=1, console="127.0.0.1:9"))  # another supervisor of the same home
    assert (snapshot.wanted().workers, caplog.text) == (5, "")
    for text in (b"", b"[]", b'{"config": 1}', b'{"config": {"console": "127.0.0.1:8082"}}', b"\xff"):
        write_private(home.snapshot, text)
        assert snapshot.wanted().workers == 5
    assert caplog.text.count("what runs goes on as it is") == 5
    home.snapshot.unlink()
    assert snapshot.wanted().workers == 5


def test_a_private_one_follows_nobody(home: Home) -> None:
    written(home, document(workers=2))
    snapshot = Snapshot(home, Config(workers=1).model_copy(update={"workers": 0}), follows=False)
    written(home, document(workers=3))
    os.utime(home.snapshot, (1, 1))
    assert snapshot.wanted().workers == 0
