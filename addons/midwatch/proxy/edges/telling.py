"""Lines in the log about strangers, whose number they can't drive: one a minute of a kind, from one address."""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field

from midwatch_core.clock import Clock

logger = logging.getLogger(__name__)
_QUIET_S = 60.0
_MAX_KEPT = 1024


@dataclass(slots=True)
class Telling:
    """Says each thing once a minute."""

    clock: Clock
    _said: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)

    def say(self, kind: str, address: str, text: str) -> None:
        """A line about what somebody at `address` tried, unless the last of this kind about it is not a minute old."""
        now_s, key = self.clock.monotonic(), (kind, address)
        last_s = self._said.get(key)
        if last_s is not None and now_s - last_s < _QUIET_S:
            return
        self._said[key] = now_s
        self._said.move_to_end(key)
        if len(self._said) > _MAX_KEPT:
            self._said.popitem(last=False)
        logger.warning("%s: %s", address, text)
