"""How a model's scores were spread when it was calibrated: what drift is measured against."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from midwatch_core import ConfigError, Json
from midwatch_ml.settings import DEFENDER_CHECKSUM, DEFENDER_SOURCE, ModelSettings

BINS = 10
_LONGEST = 64 * 1024


def shares_for(settings: ModelSettings, home: Path) -> tuple[float, ...] | None:
    """The shares of scores in ten classes of one width; None where nobody knows them. Raises ConfigError."""
    if settings.calibration is not None:
        path = home / settings.calibration.expanduser()
        try:
            with path.open("rb") as file:
                return read_shares(file.read(_LONGEST))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"ml: model {settings.id}: calibration: {path}: {reason}") from error
    if settings.source == DEFENDER_SOURCE and settings.checksum == DEFENDER_CHECKSUM:
        return read_shares((files("midwatch_ml") / "calibrations" / "defender.json").read_bytes())
    return None


def read_shares(data: bytes) -> tuple[float, ...]:
    """From a file of `ml evaluate --histogram`. Raises ValueError."""
    document = json.loads(data)
    shares = document.get("shares") if isinstance(document, dict) else None
    if not isinstance(shares, list) or len(shares) != BINS or not all(_is_share(share) for share in shares):
        raise ValueError(f"expected `shares`: {BINS} numbers between 0 and 1")
    if sum(shares) <= 0:
        raise ValueError("all shares are 0")
    return tuple(float(share) for share in shares)


def histogram(scores: Sequence[float], **about: Json) -> dict[str, Json]:
    """The document for scores between 0 and 1, and what there is to say about them."""
    counts = [0] * BINS
    for score in scores:
        counts[min(int(score * BINS), BINS - 1)] += 1
    return {**about, "scores": len(scores), "shares": [round(count / max(1, len(scores)), 6) for count in counts]}


def _is_share(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
