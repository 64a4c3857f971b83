"""A worker's suite and settings that were written anew before control told it of anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.test import taddons

from midwatch.home import Home
from midwatch.proxy.suite import Suite, build
from midwatch.settings import read_snapshot, resolve, write_snapshot


def written(home: Home, text: str) -> int:
    """The stamp of a snapshot of these settings."""
    home.config_file.write_text(text)
    return write_snapshot(resolve(home, config_file=None, flags={}))


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    home = Home(tmp_path / "home")
    home.prepare()
    written(home, "connections: {body_s: 5}\n")
    made = build(read_snapshot(home), name="w0")
    yield made
    made.writer.close(1.0)


def test_what_is_met_with_a_later_stamp_is_read_and_once(suite: Suite) -> None:
    home = suite.settings.home
    began = suite.settings.stamp
    with taddons.context(*suite.addons):
        later = written(home, "connections: {body_s: 9}\n")
        suite.beat._catch_up(began)
        assert (suite.settings.config.connections.body_s, suite.settings.stamp) == (5, began)
        suite.beat._catch_up(later)
        assert (suite.settings.config.connections.body_s, suite.settings.stamp) == (9, later)
        assert suite.edges.patience._pace.span_s == 9
        config = suite.settings.config
        suite.beat._catch_up(later)
        assert suite.settings.config is config
