"""A model of the standard library: who has a capital is a person. Shaped like ours, loaded in a process of its own."""

import re
from collections.abc import Mapping, Sequence

from midwatch_core import Json, ModelCard, ModelError


class NamedModel:
    def __init__(self, options: Mapping[str, Json]) -> None:
        self.card = ModelCard(
            name=str(options["name"]), backend="words", revision="1", checksum="0" * 64, labels=("O", "PERSON")
        )

    def run(self, texts: Sequence[str]) -> list[Json]:
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Json:
        if "nonsense" in text:
            return {"entities": [["SHOE", 0, "end", 2]]}
        found: list[Json] = [["PERSON", one.start(), one.end(), 0.9] for one in re.finditer(r"\b[A-Z]\w+", text)]
        return {"entities": found[:100], "skipped": len(text) // 500_000}


def load(options: Mapping[str, Json]) -> NamedModel:
    return NamedModel(options)


def missing(options: Mapping[str, Json]) -> NamedModel:
    raise ModelError("pii", f"{options['folder']}: no weights")
