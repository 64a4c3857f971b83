"""What a model's process is told: the settings of one model, as they came over the pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch_core import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The settings that loading and reading need; see `ModelSettings`. `source` is absolute where it is a directory.

    `way` is how a hub is reached, as `led_by` tells: with a password, so no message shows it.
    """

    id: str
    source: str
    revision: str | None = None
    checksum: str | None = None
    injection_label: str = "INJECTION"
    temperature: float | None = None
    max_windows: int = 8
    window: int = 256
    stride: int = 192
    fold: bool = True
    way: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> "Wish":
        """From what `ModelSettings.options` gives."""
        return cls(**options)  # type: ignore[arg-type]  # our own words, from our own process
