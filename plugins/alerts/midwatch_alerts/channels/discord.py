"""Discord: a webhook, with one embed.

Formats and limits: https://docs.discord.com/developers/resources/webhook (execute) and
https://docs.discord.com/developers/resources/message (embed limits). Markdown is escaped, and no mention is allowed.
"""

import re
from typing import Any

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.plain import cut
from midwatch_alerts.wording.words import Item, Words, fitted
from midwatch_alerts.wording.writing import Writer
from midwatch_core import Severity

_TITLE = 256
_DESCRIPTION = 4096
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<:@+.-])")
_COLOURS = {
    Severity.CRITICAL: 0xB3261E,
    Severity.HIGH: 0xD9480F,
    Severity.MEDIUM: 0xE6A700,
    Severity.LOW: 0x3B82F6,
    Severity.INFO: 0x6B7280,
}
_OVER = 0x2E7D32


class Discord:
    """One webhook, and so one channel of Discord."""

    kind = "discord"

    def __init__(self, url: str, poster: Poster, writer: Writer) -> None:
        self._url = url
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Post it. Raises ChannelError: Discord answers 204, or with `wait` in the URL 200 and the message it made."""
        response = await self._poster.post_json(self._url, body_of(self._writer.words(message), message))
        if response.status != 204 and "id" not in response.document():
            raise problem(response, self._poster.clock.now(), status=0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def body_of(words: Words, message: Message) -> dict[str, Any]:
    """The webhook's document; one embed of 256 + 4096 characters is within the 6000 that are allowed."""
    embed: dict[str, Any] = {
        "title": _title(words.subject),
        "description": fitted(words, _description, len, _DESCRIPTION),
        "color": _OVER if message.kind is MessageKind.RESOLVED else _COLOURS[message.severity],
        "timestamp": message.made_at.isoformat(),
    }
    if len(words.items) == 1 and words.items[0].page:
        embed["url"] = words.items[0].page
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _description(words: Words) -> str:
    if words.own is not None:
        return _escaped(words.own)
    parts = [_escaped(words.lead), *map(_item, words.items)]
    if words.rest:
        parts.append(_escaped(words.rest))
    return "\n\n".join(parts)


def _item(item: Item) -> str:
    said = [f"**{_escaped(item.title)}**", *(f"{_escaped(name)}: {_escaped(value)}" for name, value in item.facts)]
    if item.advice:
        said.append(_escaped(item.advice))
    links = ((item.page, "See it"), (item.acknowledge, "Acknowledge it"))
    if shown := [f"[{words}](<{url}>)" for url, words in links if url]:
        said.append(" · ".join(shown))
    return "\n".join(said)


def _title(subject: str) -> str:
    """The longest beginning that fits once it is escaped: a cut must not fall between a backslash and its character."""
    for length in range(min(len(subject), _TITLE), 0, -1):
        if len(title := _escaped(cut(subject, length))) <= _TITLE:
            return title
    return ""


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
