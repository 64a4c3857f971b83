"""A model as its page and REST tell of it. Counterpart: `reading`, which puts it together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from midwatch_web.models.histogram import Histogram

# How its processes stand, the worst first: the worst is how the model stands.
STATES = {"failed": "bad", "restarting": "odd", "loading": "odd", "ready": "good", "absent": "quiet", "closed": "quiet"}
# Below the first nothing has changed, above the second much has: see `midwatch_core.psi`.
STABLE, DRIFTED = 0.1, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Counts are of all processes since each began. What nobody tells is None, or empty.

    `states` counts its processes by how they stand; `shadow`: it scores and does not act; `threshold`: from this score
    on it reports; `expected` are the shares of its calibration set's scores, in classes of one width; `drift` is the
    stability index of its newest scores. `agreement` counts a shadow's texts by who would have acted.
    """

    name: str
    plugin: str = ""
    backend: str = ""
    revision: str = ""
    checksum: str = ""
    shadow: bool | None = None
    threshold: float | None = None
    problem: str = ""
    states: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, int] = field(default_factory=dict)
    restarts: Mapping[str, int] = field(default_factory=dict)
    text_s: Histogram | None = None
    queue_s: Histogram | None = None
    batch_texts: Histogram | None = None
    scores: Histogram | None = None
    expected: Sequence[float] = ()
    waiting: int = 0
    resident_bytes: int = 0
    drift: float | None = None
    agreement: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The worst of its processes' states."""
        return next((state for state in STATES if self.states.get(state)), "absent")

    @property
    def verdict(self) -> str:
        """What its drift comes to: stable, moved or drifted; empty while there are too few scores."""
        if self.drift is None:
            return ""
        return "stable" if self.drift < STABLE else "moved" if self.drift <= DRIFTED else "drifted"
