"""What holds for all tests."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

# A loaded machine is no failure: speed is shown in benchmarks/.
settings.register_profile("midwatch", deadline=None)
settings.load_profile("midwatch")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without looking for garbage among them: they stay, and each look at 18,000 takes half a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
