"""The model's process of tests: as eager as the tests themselves, and waited for longer."""

from dataclasses import replace

import pytest

from midwatch_pii.ner import asking


@pytest.fixture(autouse=True)
def _eager_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a process that steps back loses the texts that wait for it."""
    monkeypatch.setattr(asking, "_LIMITS", replace(asking._LIMITS, nice=0, late_s=120.0))
