"""A webhook of one's own: a JSON document, signed.

Headers and signature are those of Standard Webhooks 1.0.0, and libraries for it verify them:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. `webhook-id` is the same
however often a message is sent: a receiver that has seen it has it.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.keys import service_key
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message, Told
from midwatch_alerts.wording.plain import link
from midwatch_alerts.wording.words import Words, shortened, text_of
from midwatch_alerts.wording.writing import FEW_FACTS, MOST_FACTS, MOST_ITEMS, MOST_NAME, MOST_TITLE, Writer, fact, safe

_PREFIX = "whsec_"
_SHORTEST_KEY = 24
# Receivers are promised documents of about 20 KB.
_TEXT = 6000


class Webhook:
    """One URL. Any 2xx is a yes, unless its document says no."""

    kind = "webhook"

    def __init__(self, url: str, key: bytes | None, headers: Mapping[str, str], poster: Poster, writer: Writer) -> None:
        self._url = url
        self._key = key
        self._headers = headers
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Post it. Raises ChannelError, also where a 2xx has `ok` or `success` false, or an `error`."""
        body = orjson.dumps(document_of(self._writer.words(message), message))
        now = self._poster.clock.now()
        signed = signed_headers(service_key(message.id), body, self._key, now)
        response = await self._poster.post(self._url, body, headers={**self._headers, **signed})
        document = response.document()
        if document.get("ok") is False or document.get("success") is False or document.get("error"):
            raise problem(response, now, status=0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def signing_key(text: str) -> bytes:
    """The key of a secret, `whsec_` and base64 or as it is. Raises ValueError where it is none, or too short."""
    try:
        key = base64.b64decode(text[len(_PREFIX) :], validate=True) if text.startswith(_PREFIX) else text.encode()
    except binascii.Error:
        raise ValueError("after whsec_ comes base64") from None
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"a key to sign with has {_SHORTEST_KEY} bytes at least")
    return key


def signed_headers(message_id: str, body: bytes, key: bytes | None, now: datetime) -> dict[str, str]:
    """The headers of one attempt; without a key there is no signature."""
    stamp = str(int(now.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": stamp}
    if key is not None:
        digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def document_of(words: Words, message: Message) -> dict[str, Any]:
    """What is posted: a type, a moment and the data. Its texts are masked and cut as everywhere."""
    shown = message.incidents[:MOST_ITEMS]
    return {
        "type": f"midwatch.alert.{message.kind.value}",
        "timestamp": message.made_at.isoformat(),
        "data": {
            "id": service_key(message.id),
            "key": service_key(message.key, 255),
            "kind": message.kind.value,
            "severity": message.severity.value,
            "installation": safe(message.installation, MOST_NAME),
            "title": safe(message.title, MOST_TITLE),
            "subject": words.subject,
            "text": text_of(shortened(words, _TEXT)),
            "again": message.again,
            "more": message.more + len(message.incidents) - len(shown),
            "incidents": [_incident(told, MOST_FACTS if len(shown) == 1 else FEW_FACTS) for told in shown],
        },
    }


def _incident(told: Told, most: int) -> dict[str, Any]:
    return {
        "id": safe(told.incident_id, MOST_NAME),
        "fingerprint": safe(told.fingerprint, MOST_TITLE),
        "category": safe(told.category, MOST_NAME),
        "severity": told.severity.value,
        "title": safe(told.title, MOST_TITLE),
        "tenant": None if told.tenant is None else safe(told.tenant, MOST_TITLE),
        "began_at": told.began_at.isoformat(),
        "last_at": told.last_at.isoformat(),
        "count": told.count,
        "details": dict(fact(name, value) for name, value in list(told.details.items())[:most]),
        "acknowledged_by": safe(told.acknowledged_by, MOST_NAME) or None,
        "resolved_at": None if told.resolved_at is None else told.resolved_at.isoformat(),
        "page": link(told.page) or None,
        "acknowledge": link(told.acknowledge) or None,
    }
