"""A model's files, looked at: what every backend needs before it loads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core import Json, ModelCard
from midwatch_ml.loading.folder import Folder
from midwatch_ml.loading.heads import Heads, heads_of
from midwatch_ml.loading.source import folder_of
from midwatch_ml.loading.wish import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Files that were looked at before a model is loaded from them."""

    wish: Wish
    folder: Folder
    revision: str
    heads: Heads

    @classmethod
    def at(cls, wish: Wish, *, fetched: Sequence[str] = ()) -> "Found":
        """What the settings name; of a hub, `fetched` are the weights' patterns. Raises ModelError."""
        place, revision = folder_of(wish, fetched)
        folder = Folder.open(wish, place)
        return cls(wish=wish, folder=folder, revision=revision, heads=heads_of(wish, folder))

    def card(self, *, backend: str, runtime: str, checksum: str) -> ModelCard:
        """The card of the model loaded from here."""
        facts: dict[str, Json] = {
            "folder": str(self.folder.path),
            "heads": list(self.heads.names),
            "temperature": self.heads.temperature,
            "window": self.wish.window,
            "runtime": runtime,
        }
        return ModelCard(
            name=self.wish.id,
            backend=backend,
            revision=self.revision,
            checksum=checksum,
            labels=self.heads.labels,
            facts=facts,
        )
