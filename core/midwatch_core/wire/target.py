"""The target: what is known of a call before its body is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes. `path` has no query; `query` and `headers` (names in lower case) have no credentials.

    `captures` are the named groups of the catalogue's path pattern, such as the model in Gemini's paths.
    """

    host: str
    path: str
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    captures: Mapping[str, str] = field(default_factory=dict)
