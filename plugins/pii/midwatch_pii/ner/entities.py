"""Entities: what words come to, of the kinds that the patterns have too."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of entities: what a masked value is called."""

    PERSON = "PERSON"
    ADDRESS = "ADDRESS"
    LOCATION = "LOCATION"


@dataclass(frozen=True, slots=True)
class Entity:
    """A name, address or place: code points of the text, and how sure the model is of its surest word."""

    kind: Kind
    start: int
    end: int
    score: float


type Least = Mapping[Kind, float]
