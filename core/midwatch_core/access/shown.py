"""What a call shows of who makes it, and what is said where that is not enough."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a request shows of its sender. None where it does not.

    `proxy_password` and `header_key` are Midwatch keys in clear: never kept, never logged. `provider_key` is a
    fingerprint (see `fingerprint`), `certificate` the subject of a client certificate that was checked, `app` a name
    given by `exec --app`. `agent` and `user` are labels: they say nothing about whose the call is.
    """

    proxy_user: str | None = None
    proxy_password: str | None = field(default=None, repr=False)
    header_key: str | None = field(default=None, repr=False)
    client: str | None = None
    provider_key: str | None = None
    certificate: str | None = None
    agent: str | None = None
    user: str | None = None
    user_agent: str | None = None
    app: str | None = None


class Denial(StrEnum):
    """Why a call can't be let in."""

    UNKNOWN = "unknown"
    WRONG_KEY = "wrong_key"
    EXPIRED_KEY = "expired_key"
    REVOKED_KEY = "revoked_key"


_SAID = {
    Denial.UNKNOWN: "Nobody here is known to make this call: give a Midwatch key as the proxy's password, or in "
    "X-Midwatch-Key.",
    Denial.WRONG_KEY: "This is no key of this Midwatch.",
    Denial.EXPIRED_KEY: "This Midwatch key has expired.",
    Denial.REVOKED_KEY: "This Midwatch key was revoked.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A call that is not let in. `key_id` only where the whole key was right, but is no longer valid."""

    why: Denial
    key_id: str | None = None

    @property
    def message(self) -> str:
        """One sentence for whoever made the call."""
        return _SAID[self.why]
