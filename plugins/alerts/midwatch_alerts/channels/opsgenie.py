"""Opsgenie: Alert API v2. An incident of ours is an alert there, by its alias.

Formats: https://docs.opsgenie.com/docs/alert-api.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.keys import service_key
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.plain import cut
from midwatch_alerts.wording.words import Words, shortened, text_of
from midwatch_alerts.wording.writing import Writer, safe
from midwatch_core import Severity

_MESSAGE = 130
_ALIAS = 512
_DESCRIPTION = 15_000
_NOTE = 1000
_DETAILS = 6000
_PRIORITIES = {
    Severity.CRITICAL: "P1",
    Severity.HIGH: "P2",
    Severity.MEDIUM: "P3",
    Severity.LOW: "P4",
    Severity.INFO: "P5",
}
_SOURCE = "midwatch"
_ANGLES = str.maketrans("<>", "‹›")


class Opsgenie:
    """One API integration."""

    kind = "opsgenie"

    def __init__(self, base_url: str, api_key: str, poster: Poster, writer: Writer) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"GenieKey {api_key}"}
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Ask for what it is: all are taken to be done later. Raises ChannelError."""
        for method, path, body in requests_of(self._writer.words(message), message):
            response = await self._poster.post_json(
                f"{self._base_url}{path}", body, headers=self._headers, method=method
            )
            if "requestId" not in response.document():
                raise problem(response, self._poster.clock.now(), status=0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def requests_of(words: Words, message: Message) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and document of each request; sending one twice changes nothing."""
    alias = service_key(message.key, _ALIAS)
    here = f"/v2/alerts/{quote(alias, safe=':')}"
    if message.kind is MessageKind.ACKNOWLEDGED:
        yield "POST", f"{here}/acknowledge?identifierType=alias", _note(words)
    elif message.kind is MessageKind.RESOLVED:
        yield "POST", f"{here}/close?identifierType=alias", _note(words)
    else:
        yield "POST", "/v2/alerts", _alert(words, message, alias)
    if message.kind is MessageKind.WORSE:  # an alert that is there keeps its priority, whatever is created again
        yield "PUT", f"{here}/priority?identifierType=alias", {"priority": _PRIORITIES[message.severity]}


def _alert(words: Words, message: Message, alias: str) -> dict[str, Any]:
    first = message.incidents[0] if message.incidents else None
    return {
        "message": cut(_plain(words.subject), _MESSAGE),
        "alias": alias,
        "description": cut(_plain(text_of(shortened(words, _DESCRIPTION - 1000))), _DESCRIPTION),
        "priority": _PRIORITIES[message.severity],
        "source": _SOURCE,
        "tags": [_SOURCE, *([safe(first.category, 50)] if first is not None else [])],
        "details": _details(words),
        **({"entity": safe(first.tenant, 500)} if first is not None and first.tenant else {}),
    }


def _details(words: Words) -> dict[str, str]:
    """The facts of one incident; Opsgenie takes 8000 characters of them."""
    some = shortened(words, _DETAILS)
    return {name: _plain(value) for name, value in some.items[0].facts} if len(words.items) == 1 else {}


def _note(words: Words) -> dict[str, Any]:
    return {"source": _SOURCE, "note": cut(_plain(words.subject), _NOTE)}


def _plain(text: str) -> str:
    """Descriptions are drawn as HTML: there are no tags without angles."""
    return text.translate(_ANGLES)
