"""What is loaded: a model's card, as it comes from its process and is shown in health and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from midwatch_core.model.content import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A loaded model. `name` is as its settings call it, `checksum` the SHA-256 of its weights (hexadecimal).

    `labels` are the classes in the order of its outputs; `facts` whatever else people may want to know.
    """

    name: str
    backend: str
    revision: str
    checksum: str
    labels: tuple[str, ...]
    facts: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    def document(self) -> dict[str, Json]:
        """The card as JSON."""
        return {
            "name": self.name,
            "backend": self.backend,
            "revision": self.revision,
            "checksum": self.checksum,
            "labels": list(self.labels),
            "facts": dict(self.facts),
        }

    @classmethod
    def read(cls, document: Any) -> "ModelCard":
        """The card of what `document` gave. Raises ValueError where it is none."""
        try:
            words = {key: str(document[key]) for key in ("name", "backend", "revision", "checksum")}
            labels, facts = tuple(map(str, document["labels"])), dict(document["facts"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no card of a model: {error}") from error
        return cls(**words, labels=labels, facts=MappingProxyType(facts))
