"""Whether a TLS handshake with a client failed because it refused our certificate, by how the client took its leave."""

from collections.abc import Hashable

# Alerts of RFC 8446, section 6.2, that are about a certificate, in OpenSSL's words: bad_certificate,
# unsupported_certificate, certificate_revoked, certificate_unknown, unknown_ca. Not certificate_expired: a client whose
# clock is wrong would refuse the real one as well.
_ALERTS = (
    "bad certificate",
    "unsupported certificate",
    "certificate revoked",
    "certificate unknown",
    "unknown ca",
)
# mitmproxy's words for a client that hung up in the middle of the handshake (`ClientTLSLayer.on_handshake_error`).
_HUNG_UP = "The client disconnected during the handshake"
# How often in a row a client must leave without a word before that is taken for a refusal.
_TIMES = 2
# A client that checks the certificate after the handshake (Node.js) leaves at once; one that opened a connection for
# later use keeps it for a while.
AT_ONCE_S = 2.0
_MOST = 4096


def alert_of(error: str | None) -> str | None:
    """The alert by which a client refused our certificate; None where its handshake failed for another reason."""
    return next((alert for alert in _ALERTS if error and alert in error and "alert" in error), None)


def hung_up(error: str | None) -> bool:
    """Whether a handshake ended because the client was gone, without saying why."""
    return error is not None and error.startswith(_HUNG_UP)


class Silences:
    """Tells clients that leave without a word from those that only do so once: by strikes, by a bounded memory.

    Whoever has spoken to us once has trusted us, and is not judged by its silence again.
    """

    def __init__(self) -> None:
        self._strikes: dict[Hashable, int] = {}
        self._spoken: dict[Hashable, None] = {}

    def spoke(self, who: Hashable) -> None:
        """It has sent a request: it trusts us."""
        self._strikes.pop(who, None)
        if self._spoken.pop(who, who) is who and len(self._spoken) >= _MOST:
            del self._spoken[next(iter(self._spoken))]
        self._spoken[who] = None

    def left(self, who: Hashable) -> bool:
        """It left without a word; whether that is now taken for a refusal."""
        if who in self._spoken:
            return False
        count = self._strikes.pop(who, 0) + 1
        if count >= _TIMES:
            return True
        if len(self._strikes) >= _MOST:
            del self._strikes[next(iter(self._strikes))]
        self._strikes[who] = count
        return False
