"""What a reader of recordings gives, entry by entry."""

from dataclasses import dataclass

from mitmproxy import http

from midwatch_core.errors import ConfigError
from midwatch_core.model.exchange import Exchange


class RecordingError(ConfigError):
    """A file that can't be replayed as a whole: the message names it and says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A flow, as mitmproxy would have seen it. `place` says where in the file it stands."""

    place: str
    flow: http.HTTPFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An exchange of our own, decoded when it was recorded."""

    place: str
    exchange: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """An entry that is no HTTP at all."""

    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An entry that can't be read, and why."""

    place: str
    reason: str


type Found = Recorded | Kept | Passed | Broken
