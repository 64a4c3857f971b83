"""What a model's process is told, as it came over the pipe; and saying no to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from midwatch_core import Json, ModelError
from midwatch_pii.ner.entities import Kind, Least

PLUGIN = "pii"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which model, and what is asked of it. `checksum` is the SHA-256 of its weights, None for whichever."""

    name: str
    folder: Path
    least: Least
    max_stretches: int
    revision: str = ""
    checksum: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> "Wish":
        """From what `options` made, in another process of ours."""
        told = {**options, "folder": Path(str(options["folder"]))}
        told["least"] = {Kind(kind): share for kind, share in options["least"].items()}  # type: ignore[union-attr]
        return cls(**told)  # type: ignore[arg-type]

    def options(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "least": {kind.value: share for kind, share in self.least.items()},
            "max_stretches": self.max_stretches,
            "revision": self.revision,
            "checksum": self.checksum,
        }


def refused(wish: Wish, message: str) -> ModelError:
    """The error that the model's process tells its owner: it names a file, and what would be right there."""
    return ModelError(PLUGIN, f"ner.model {wish.name}: {message}")


def words_of_error(error: BaseException) -> str:
    """What a library says, on one line of bounded length."""
    return " ".join(str(error).split())[:200]
