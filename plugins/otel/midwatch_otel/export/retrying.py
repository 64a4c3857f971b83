"""When a sending is tried again: a state machine that knows no clock.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-throttling
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

RETRYABLE = frozenset({429, 502, 503, 504})
"""HTTP statuses after which the same may be sent again: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes"""

_FIRST_S = 1.0
_LONGEST_S = 30.0
_LONGEST_TOLD_S = 120.0


@dataclass(slots=True)
class Retrying:
    """The tries of one sending: after each that failed, how long to wait, or that it is enough."""

    most_tries: int = 6
    tries: int = 0

    def failed(self, jitter: float, told_s: float | None = None) -> float | None:
        """A try failed for now. Seconds to wait; None where it is given up.

        `jitter` is a random number from 0 to 1, so that many senders do not come back as one; `told_s` what the
        collector asked for, which counts where it is longer.
        """
        self.tries += 1
        if self.tries >= self.most_tries:
            return None
        wait_s = min(_LONGEST_S, _FIRST_S * (1 << (self.tries - 1))) * (0.5 + jitter / 2)
        return max(wait_s, min(told_s, _LONGEST_TOLD_S)) if told_s is not None else wait_s


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for (RFC 9110, section 10.2.3); None for none, or one of no known form."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return float(max(0.0, (moment - now).total_seconds())) if moment.tzinfo is not None else None
