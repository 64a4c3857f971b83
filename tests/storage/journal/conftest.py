"""Journals in a temporary folder, and bounded waiting for what another thread does."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Asserts that something comes true; the bound of twenty seconds is only there to end a broken run."""

    def check(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.01)

    return check
