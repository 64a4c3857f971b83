"""Calibrations: versioned files of weights and thresholds, with what they were fitted on and how well they do."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from pydantic import Field, ValidationError, model_validator

from midwatch_core import Json, Section
from midwatch_ensemble.fusion import Fit, OperatingPoint

LONGEST = 1024 * 1024
_FORMAT = 1
_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class SetUsed(Section):
    """A labelled set that took part: its name, the SHA-256 of its file, attacks and harmless texts."""

    name: str
    sha256: str
    attacks: int = Field(ge=0)
    harmless: int = Field(ge=0)


class FitMade(Section):
    """A fit as a file has it. `voters` are those that must have spoken for it to be used."""

    voters: tuple[str, ...]
    bias: float
    weights: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[OperatingPoint, float]
    measured: Mapping[OperatingPoint, Mapping[str, Json]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if missing := [point.value for point in OperatingPoint if point not in self.thresholds]:
            raise ValueError(f"thresholds: {', '.join(missing)} missing")
        if unweighed := sorted(set(self.voters) - set(self.weights)):
            raise ValueError(f"weights: {', '.join(unweighed)} missing")
        return self

    @property
    def fit(self) -> Fit:
        """The same for fusion."""
        return Fit(weights=self.weights, bias=self.bias, thresholds=self.thresholds)


class Calibration(Section):
    """A calibration. Of its fits, the one whose voters have all spoken and are most is used; one needs no model."""

    format: int = Field(_FORMAT, ge=1, le=_FORMAT)
    version: str = Field(pattern=_VERSION)
    made_at: datetime
    about: str = ""
    lexicon: str = ""
    sets: tuple[SetUsed, ...] = ()
    fits: tuple[FitMade, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _needs_no_model(self) -> Self:
        if not any(set(made.voters) <= {"rules", "lexicon"} for made in self.fits):
            raise ValueError("fits: one must need no model's vote")
        return self

    def made_for(self, voters: Sequence[str]) -> FitMade:
        """The fit for these voters."""
        spoken = set(voters)
        able = [made for made in self.fits if spoken.issuperset(made.voters)]
        return max(able or self.fits[:1], key=lambda made: len(made.voters))

    @property
    def hash(self) -> str:
        """SHA-256 of what it says."""
        return hashlib.sha256(written(self)).hexdigest()


def is_version(name: str) -> bool:
    """Whether a calibration may be called that; it names a file."""
    return re.search(_VERSION, name) is not None and "\n" not in name


def read_calibration(data: bytes) -> Calibration:
    """From a file. Raises ValueError, in one line."""
    if len(data) > LONGEST:
        raise ValueError(f"longer than {LONGEST:,} bytes: no calibration")
    try:
        return Calibration.model_validate(json.loads(data.decode(), parse_constant=_refused))
    except RecursionError:
        raise ValueError("nested too deep: no calibration") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def written(calibration: Calibration) -> bytes:
    """As a file, for people to read too."""
    document = calibration.model_dump(mode="json")
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no weight")
