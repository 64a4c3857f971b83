"""What holds for all tests."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# A loaded machine is no failure: speed is shown in benchmarks/. `too_slow` looks at the clock as a deadline does.
settings.register_profile("midwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
