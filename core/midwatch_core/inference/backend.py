"""The port that a model stands behind, in its process."""

from collections.abc import Sequence
from typing import Protocol

from midwatch_core.inference.card import ModelCard
from midwatch_core.model.content import Json


class Backend(Protocol):
    """A loaded model, made by the function that `ModelProcess(load=…)` names and used in that process' main thread."""

    card: ModelCard

    def run(self, texts: Sequence[str]) -> Sequence[Json]:
        """One JSON value a text, in order: whatever the plugin that asks understands.

        Texts may be of any length and hold half surrogate pairs. What it raises is told to who asked; texts of a batch
        that raised are given again, one by one.
        """
        ...
