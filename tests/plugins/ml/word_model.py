"""A backend of the standard library: a text is an injection as far as its words are of a list. Shaped like ours."""

import re
import time
from collections.abc import Mapping, Sequence

from midwatch_core import Json, ModelCard, ModelError

_SUSPECT = {"ignore", "disregard", "reveal"}


class WordModel:
    def __init__(self, options: Mapping[str, Json]) -> None:
        self.card = ModelCard(
            name=str(options["id"]), backend="words", revision="1", checksum="0" * 64, labels=("main",)
        )

    def run(self, texts: Sequence[str]) -> list[Json]:
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Json:
        if "nonsense" in text:
            return {"windows": [[0, "end", 2.0]], "skipped": 0}
        if "hang" in text:
            time.sleep(60)
        words = list(re.finditer(r"\w+", text))
        suspect = [word for word in words if word[0].lower() in _SUSPECT]
        if not words:
            return {"windows": [], "skipped": 0}
        at = suspect or words
        return {"windows": [[at[0].start(), at[-1].end(), len(suspect) / len(words)]], "skipped": 0}


class SlowModel(WordModel):
    def run(self, texts: Sequence[str]) -> list[Json]:
        time.sleep(60)
        return super().run(texts)


def load(options: Mapping[str, Json]) -> WordModel:
    return WordModel(options)


def load_slow(options: Mapping[str, Json]) -> WordModel:
    return SlowModel(options)


def load_none(options: Mapping[str, Json]) -> WordModel:
    raise ModelError("ml", f"model {options['id']}: there are no words")
