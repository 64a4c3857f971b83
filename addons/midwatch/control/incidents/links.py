"""Signed links: whoever has one may take on one incident for a week, without a key.

A token is `CLAIMS.SIGNATURE`, both in base64 without padding (RFC 4648, section 5): the claims are a JSON array of
incident, channel and the second it ends, the signature is their HMAC-SHA256.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import orjson

from midwatch_core.alert_desk import LinkFault, SignedLink
from midwatch_core.clock import Clock

WEEK_S = 7 * 86400
# The key of text hashes signs nothing itself: what it is used for makes it another key.
_PURPOSE = b"midwatch alert links 1\x00"
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,1500})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Links:
    """Signs and checks, by the installation's key."""

    def __init__(self, hash_key: bytes, clock: Clock) -> None:
        self._key = hmac.digest(hash_key, _PURPOSE, sha256)
        self._clock = clock

    def signed(self, incident_id: str, channel: str) -> str:
        """A token that is good from now on for a week."""
        ends_s = int(self._clock.now().timestamp()) + WEEK_S
        claims = _encoded(orjson.dumps([incident_id, channel, ends_s]))
        return f"{claims}.{self._signature(claims)}"

    def link_of(self, token: str) -> SignedLink | LinkFault:
        """What a token may do, or what is wrong with it."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return LinkFault.MALFORMED
        if not hmac.compare_digest(self._signature(found[1]), found[2]):
            return LinkFault.FOREIGN
        incident_id, channel, ends_s = orjson.loads(urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)))
        if ends_s < self._clock.now().timestamp():
            return LinkFault.OLD
        return SignedLink(incident_id=incident_id, channel=channel)

    def _signature(self, claims: str) -> str:
        return _encoded(hmac.digest(self._key, claims.encode(), sha256))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
