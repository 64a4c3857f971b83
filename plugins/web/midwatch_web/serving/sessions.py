"""Sessions of browsers: a random token in a cookie stands for a key that was shown once."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable

from midwatch_core import Caller

_MOST = 10_000


class Sessions:
    """Who signed in, in this process's memory: after a restart people sign in again. `now` gives monotonic seconds."""

    def __init__(self, *, lasts_s: float, now: Callable[[], float]) -> None:
        self.lasts_s = lasts_s
        self._now = now
        self._open: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def begin(self, caller: Caller) -> str:
        """A new session; its token, which is kept only as a digest."""
        token = secrets.token_urlsafe(32)
        self._open[_digest(token)] = self._now() + self.lasts_s, caller
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return token

    def caller(self, token: str) -> Caller | None:
        """Who has this session; None where it is over, or never was."""
        until_s, caller = self._open.get(_digest(token), (0.0, None))
        return caller if self._now() < until_s else None

    def end(self, token: str) -> None:
        """Sign out."""
        self._open.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
