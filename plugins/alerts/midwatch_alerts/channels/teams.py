"""Microsoft Teams: a webhook of the app Workflows, with an Adaptive Card.

Formats: https://learn.microsoft.com/en-us/connectors/teams/ (the request's body) and https://adaptivecards.io/explorer/.
All text stands in TextRuns: unlike a TextBlock they know no markdown, and a mention needs an entity that we never add.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.words import Item, Words, fitted
from midwatch_alerts.wording.writing import Writer
from midwatch_core import Severity

# A message of 28 KB is the largest; what Teams adds of its own counts too.
_WHOLE = 24_000
# A webhook answers 200 for what Teams itself did not take: "… failed with error: … returned HTTP error 429 …".
_FAILED = re.compile(r"\b(?:failed|error)\b", re.IGNORECASE)
_STATUS = re.compile(r"HTTP error (\d{3})\b")
_COLOURS = {Severity.CRITICAL: "attention", Severity.HIGH: "attention", Severity.MEDIUM: "warning"}


class Teams:
    """One workflow, and so one channel or chat of Teams."""

    kind = "teams"

    def __init__(self, url: str, poster: Poster, writer: Writer) -> None:
        self._url = url
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Post it. Raises ChannelError, also where a 200 says that it was not taken."""
        response = await self._poster.post_json(self._url, body_of(self._writer.words(message), message))
        if _FAILED.search(response.text):
            within = _STATUS.search(response.text)
            raise problem(response, self._poster.clock.now(), status=int(within[1]) if within else 0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def body_of(words: Words, message: Message) -> dict[str, Any]:
    """The workflow's document, with a card of 28 KB at most."""
    colour = "good" if message.kind is MessageKind.RESOLVED else _COLOURS.get(message.severity, "default")
    return fitted(words, lambda some: _body(some, colour), lambda body: len(orjson.dumps(body)), _WHOLE)


def _body(words: Words, colour: str) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": words.subject,
        "msteams": {"width": "Full"},
        "body": list(_elements(words, colour)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "summary": words.subject, "attachments": [attachment]}


def _elements(words: Words, colour: str) -> Iterator[dict[str, Any]]:
    yield _line(_run(words.subject, weight="bolder", size="medium", color=colour))
    if words.own is not None:
        yield from (_line(_run(line or " ")) for line in words.own.splitlines())
        return
    yield _line(_run(words.lead))
    for item in words.items:
        yield from _item_elements(item)
    if words.rest:
        yield _line(_run(words.rest))


def _item_elements(item: Item) -> Iterator[dict[str, Any]]:
    yield {**_line(_run(item.title, weight="bolder")), "separator": True}
    for name, value in item.facts:
        yield _line(_run(f"{name}: ", isSubtle=True), _run(value or " "))
    if item.advice:
        yield _line(_run(item.advice))
    links = ((item.page, "See it"), (item.acknowledge, "Acknowledge it"))
    if actions := [{"type": "Action.OpenUrl", "title": title, "url": url} for url, title in links if url]:
        yield {"type": "ActionSet", "actions": actions}


def _line(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": "small", "inlines": list(runs)}


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}
