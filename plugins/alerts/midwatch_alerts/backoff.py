"""Backoff: how long a message waits after it was not sent, and when it is given up. Pure."""

from hashlib import sha256

FIRST_S = 5.0
LONGEST_S = 600.0
MOST_AGE_S = 24 * 3_600.0
# More than a day of ten minutes has: a bound where the clock does not tell.
MOST_ATTEMPTS = 200
# A channel may ask for more, not for ever.
MOST_ASKED_S = 3_600.0
_SPREAD = 0.2


def backoff_s(message_id: str, attempts: int) -> float:
    """Seconds until the next try after so many: 5 s, doubled to ten minutes, and by its id a fifth more or less."""
    plain = min(LONGEST_S, FIRST_S * 2.0 ** min(max(attempts - 1, 0), 20))
    digest = sha256(f"{message_id}:{attempts}".encode()).digest()
    share = int.from_bytes(digest[:4]) / 0xFFFF_FFFF
    return plain * (1 + _SPREAD * (2 * share - 1))


def is_given_up(attempts: int, age_s: float) -> bool:
    """Whether it was tried often enough, or is too old to be worth reading."""
    return attempts >= MOST_ATTEMPTS or age_s >= MOST_AGE_S


def asked_s(wait_s: float | None) -> float:
    """The seconds a channel asks to be left alone, within reason."""
    return max(0.0, min(wait_s or 0.0, MOST_ASKED_S))
