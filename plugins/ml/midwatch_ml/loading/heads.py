"""What a model's outputs mean: one class among several, or a yes and no a head."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core import Json
from midwatch_ml.loading.folder import Folder
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish

# The heads of a model that says `multi_head`: how likely an injection, and how much else speaks for a harmless text.
TWO_HEADS = ("main", "aux")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The labels in the order of the outputs, and how probabilities are made of them.

    `names` are the heads' where each output is a yes or no of its own (a sigmoid); they are empty where outputs are
    classes that exclude each other (a softmax), of which `injection` is the one asked for.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    injection: int
    temperature: float

    def probabilities(self, logits: Sequence[float]) -> tuple[float, ...]:
        """One a head, the first that of an injection. Raises ValueError for other outputs than were announced."""
        if len(logits) != len(self.labels) or not all(map(math.isfinite, logits)):
            raise ValueError(f"the model gave {list(logits)[:8]} where {len(self.labels)} numbers were expected")
        scaled = [logit / self.temperature for logit in logits]
        if self.names or len(scaled) == 1:
            return tuple(_sigmoid(value) for value in scaled)
        highest = max(scaled)
        parts = [math.exp(value - highest) for value in scaled]
        return (parts[self.injection] / sum(parts),)


def heads_of(wish: Wish, folder: Folder) -> Heads:
    """What a folder says of its outputs. Raises ModelError, such as for a label it does not know."""
    temperature = wish.temperature or _temperature(wish, folder)
    if folder.calibration.get("multi_head") is True:
        return Heads(labels=TWO_HEADS, names=TWO_HEADS, injection=0, temperature=temperature)
    labels = _labels(wish, folder)
    if len(labels) == 1:
        return Heads(labels=labels, names=(), injection=0, temperature=temperature)
    wanted = wish.injection_label.casefold()
    found = [index for index, label in enumerate(labels) if label.casefold() == wanted]
    if len(found) != 1:
        raise refused(
            wish.id,
            f"injection_label: {wish.injection_label} is no label of {folder.path}; it has {', '.join(labels[:20])}",
        )
    return Heads(labels=labels, names=(), injection=found[0], temperature=temperature)


def _labels(wish: Wish, folder: Folder) -> tuple[str, ...]:
    """`id2label`, or `label2id` the other way round."""
    by_id, by_label = folder.config.get("id2label"), folder.config.get("label2id")
    if isinstance(by_id, dict) and by_id:
        pairs = list(by_id.items())
    elif isinstance(by_label, dict) and by_label:
        pairs = [(str(index), label) for label, index in by_label.items()]
    else:
        raise refused(wish.id, f"{folder.path / 'config.json'}: no id2label: which output is an injection is not told")
    named = {index: str(label) for index, label in pairs}
    order = [named.get(str(index)) for index in range(len(named))]
    labels = tuple(label for label in order if label is not None)
    if len(labels) != len(named):
        raise refused(wish.id, f"{folder.path / 'config.json'}: id2label does not count from 0")
    return labels


def _temperature(wish: Wish, folder: Folder) -> float:
    calibration = folder.calibration.get("calibration")
    found: Json = calibration.get("temperatureT", 1.0) if isinstance(calibration, dict) else 1.0
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < math.inf:
        raise refused(
            wish.id, f"{folder.path / 'classifier_config.json'}: temperatureT: {found!r:.40} is no temperature"
        )
    return float(found)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
