"""Secrets that were filled in in this process, so that its logs and crash reports can leave them out.

Whoever writes a message leaves secrets out himself; this is for what others write: an exception of a library that
quotes the URL it was given. Counterparts: `secret_text` fills references in and tells us; hosts hide before they print.
"""

import json
import re
from urllib.parse import quote

_HIDDEN = "***"
# A shorter one would take words out of every message, and is none.
_LEAST = 6
_MOST = 2048
# Keys of ours keep their name: it is what logs and listings call them by.
_KEYS = re.compile(
    r"(\bmw_[a-z2-7]{8}_)[\w-]{32,}|((?:\bbearer |\bbasic )\s*)[\w.~+/=-]{12,}", re.IGNORECASE | re.ASCII
)


class Revealed:
    """What was filled in, in all the forms in which a message may quote it."""

    def __init__(self) -> None:
        self._forms: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """From now on `hide` leaves it out. Too short ones are none; of very many the last count."""
        fresh = [form for form in _forms(secret) if len(form) >= _LEAST and form not in self._forms]
        if not fresh:
            return
        self._forms.update(dict.fromkeys(fresh))
        for oldest in list(self._forms)[:-_MOST]:
            del self._forms[oldest]
        self._pattern = None

    def hide(self, text: str) -> str:
        """`text` with *** for every secret that was filled in, for our keys, and for what follows Bearer and Basic."""
        if self._forms:
            text = (self._pattern or self._compiled()).sub(_HIDDEN, text)
        return _KEYS.sub(lambda match: (match[1] or match[2]) + _HIDDEN, text)

    def _compiled(self) -> re.Pattern[str]:
        """Made when it is needed; the longest first, for one may hold another."""
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern


def _forms(secret: str) -> list[str]:
    """As it is, in a URL, in JSON, in Python's own notation; of several lines each is one."""
    lines = [line.strip() for line in secret.splitlines()] if "\n" in secret else []
    return [secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1], *lines]


REVEALED = Revealed()
"""Of this process: there is one standard error, too."""
