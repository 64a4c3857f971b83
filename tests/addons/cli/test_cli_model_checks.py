"""`doctor` about models: every one that a running house tells of, and no word that drives the terminal."""

from typing import Any

import pytest

from midwatch.cli.model_checks import model_checks

CARD = {"name": "own", "backend": "onnx", "revision": "v5", "checksum": "c0ffee" * 10, "labels": [], "facts": {}}


def status(**health: Any) -> dict[str, Any]:
    return {"plugins": [{"name": "rules", "health": None}, {"name": "ml", "health": {"ready": True, **health}}]}


def test_a_model_says_what_is_loaded() -> None:
    told = status(models={"own": {"state": "ready", "card": CARD, "problem": None, "shadow": False}})
    assert list(model_checks(told)) == [("model own", True, "ready, onnx, v5, sha256 c0ffeec0ffee…")]


def test_one_that_failed_fails_and_says_why() -> None:
    told = status(models={"own": {"state": "failed", "card": None, "problem": "no weights\x1b[31m"}})
    assert list(model_checks(told)) == [("model own", False, "failed, no weights�[31m")]


def test_one_that_loads_or_is_a_shadow_is_worth_knowing() -> None:
    told = status(models={"own": {"state": "loading", "shadow": True}})
    assert list(model_checks(told)) == [("model own", None, "loading, shadow")]


def test_a_plugin_that_could_not_be_asked_is_told() -> None:
    assert list(model_checks(status(problem="see there"))) == [("health of ml", None, "see there")]


@pytest.mark.parametrize("health", [{}, {"models": None}, {"models": []}, {"models": {"own": 7}}], ids=range(4))
def test_a_plugin_without_models_says_nothing(health: dict[str, Any]) -> None:
    assert list(model_checks(status(**health))) == []
    assert list(model_checks({})) == []
