"""Slack: an incoming webhook, with Block Kit and a plain text for notifications.

Formats: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/block-kit/blocks. What alerts say stands in `plain_text` objects: in those Slack looks
for neither markup nor mentions. Only our own words and links are `mrkdwn`.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message
from midwatch_alerts.wording.plain import cut
from midwatch_alerts.wording.words import Item, Words, fitted
from midwatch_alerts.wording.writing import Writer

_HEADER = 150
_SECTION = 3000
_FIELDS = 10
# No limit is documented for all blocks together; what is longer has been refused as `msg_blocks_too_long`.
_WHOLE = 12_000
# What a webhook says of itself or of the message: the same one will never be taken.
_FINAL = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "invalid_token",
        "no_service",
        "no_service_id",
        "no_team",
        "no_text",
        "team_disabled",
        "user_not_found",
    }
)


class Slack:
    """One webhook, and so one channel of Slack."""

    kind = "slack"

    def __init__(self, url: str, poster: Poster, writer: Writer) -> None:
        self._url = url
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Post it. Raises ChannelError, also where a 200 says that it was not taken."""
        body = body_of(self._writer.words(message))
        response = await self._poster.post_json(self._url, body)
        document = response.document()
        if response.text.strip() == "ok" or document.get("ok") is True or document.get("success") is True:
            return
        said = str(document.get("error", response.text)).strip()
        status = 429 if said in ("rate_limited", "ratelimited") else 400 if said in _FINAL else 0
        raise problem(response, self._poster.clock.now(), status=status)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def body_of(words: Words) -> dict[str, Any]:
    """The webhook's document, of 50 blocks at most."""
    return fitted(words, _body, lambda body: len(orjson.dumps(body["blocks"])), _WHOLE)


def _body(words: Words) -> dict[str, Any]:
    return {
        "text": _escaped(words.subject),
        "mrkdwn": False,
        "blocks": list(_blocks(words)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(words: Words) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(words.subject, _HEADER)}
    if words.own is not None:
        for start in range(0, len(words.own), _SECTION):
            yield {"type": "section", "text": _plain(words.own[start : start + _SECTION], _SECTION)}
        return
    yield {"type": "section", "text": _plain(words.lead, _SECTION)}
    for item in words.items:
        yield {"type": "divider"}
        yield from _item_blocks(item)
    if words.rest:
        yield {"type": "section", "text": _plain(words.rest, _SECTION)}


def _item_blocks(item: Item) -> Iterator[dict[str, Any]]:
    yield {"type": "section", "text": _plain(item.title, _SECTION)}
    for start in range(0, len(item.facts), _FIELDS):
        some = item.facts[start : start + _FIELDS]
        yield {"type": "section", "fields": [_plain(f"{name}\n{value}", 2000) for name, value in some]}
    links = ((item.page, "See it"), (item.acknowledge, "Acknowledge it"))
    said = [_escaped(item.advice)] if item.advice else []
    if shown := [f"<{_escaped(url)}|{words}>" for url, words in links if url]:
        said.append(" · ".join(shown))
    if said:
        yield {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(said), "verbatim": True}}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most) or " ", "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
