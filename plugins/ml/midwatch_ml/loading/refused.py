"""Saying no to a model."""

from midwatch_core import ModelError

PLUGIN = "ml"


def refused(model: str, message: str) -> ModelError:
    """The error that a model's process tells its owner."""
    return ModelError(PLUGIN, f"model {model}: {message}")
