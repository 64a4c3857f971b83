"""Models' processes of tests: as eager as the tests themselves, and waited for longer."""

from dataclasses import replace

import pytest

from midwatch_ml.asking import model


@pytest.fixture(autouse=True)
def _eager_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a process that steps back loses the texts that wait for it."""
    for backend, limits in list(model._LIMITS.items()):
        monkeypatch.setitem(model._LIMITS, backend, replace(limits, nice=0, late_s=120.0))
