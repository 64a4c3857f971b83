"""PagerDuty: Events API v2. An incident of ours is an alert there, by its key: it begins, is acknowledged and ends.

Formats: https://developer.pagerduty.com/docs/events-api-v2-overview.
"""

from typing import Any

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.keys import service_key
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.plain import cut
from midwatch_alerts.wording.words import Words, shortened, text_of
from midwatch_alerts.wording.writing import Writer, safe
from midwatch_core import Severity

_SUMMARY = 1024
_KEY = 255
# An event of 512 KB is the largest; nobody reads that much.
_TEXT = 12_000
_ACTIONS = {MessageKind.ACKNOWLEDGED: "acknowledge", MessageKind.RESOLVED: "resolve"}
_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFO: "info",
}


class PagerDuty:
    """One integration, and so one service of PagerDuty."""

    kind = "pagerduty"

    def __init__(self, base_url: str, routing_key: str, poster: Poster, writer: Writer) -> None:
        self._url = f"{base_url.rstrip('/')}/v2/enqueue"
        self._routing_key = routing_key
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Enqueue an event. Raises ChannelError, also where a 2xx does not say `success`."""
        event = event_of(self._writer.words(message), message)
        response = await self._poster.post_json(self._url, {"routing_key": self._routing_key, **event})
        if response.document().get("status") != "success":
            raise problem(response, self._poster.clock.now(), status=0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def event_of(words: Words, message: Message) -> dict[str, Any]:
    """The event, without the routing key."""
    action = _ACTIONS.get(message.kind, "trigger")
    event: dict[str, Any] = {"event_action": action, "dedup_key": service_key(message.key, _KEY)}
    if action != "trigger":
        return event
    event["payload"] = _payload(words, message)
    event["client"] = safe(message.installation, 100)
    links = [(item.page, "See it") for item in words.items] + [
        (item.acknowledge, "Acknowledge") for item in words.items
    ]
    event["links"] = [{"href": url, "text": text} for url, text in links if url]
    if words.items and words.items[0].page:
        event["client_url"] = words.items[0].page
    return event


def _payload(words: Words, message: Message) -> dict[str, Any]:
    first = message.incidents[0] if message.incidents else None
    payload: dict[str, Any] = {
        "summary": cut(words.subject, _SUMMARY),
        "source": safe(message.installation, 100) or "midwatch",
        "severity": _SEVERITIES[message.severity],
        "timestamp": message.made_at.isoformat(),
        "custom_details": _details(words),
    }
    if first is not None:
        payload["class"] = safe(first.category, 100)
        payload["group"] = safe(first.tenant or "", 100) or "installation"
    return payload


def _details(words: Words) -> dict[str, str]:
    """The facts of one incident by name; of several the text."""
    if words.own is not None or len(words.items) != 1:
        return {"text": text_of(shortened(words, _TEXT))}
    item = words.items[0]
    return {**dict(item.facts), **({"What to do": item.advice} if item.advice else {})}
