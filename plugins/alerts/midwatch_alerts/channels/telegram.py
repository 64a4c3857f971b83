"""Telegram: a bot's sendMessage, in HTML.

Formats and limits: https://core.telegram.org/bots/api#sendmessage and #html-style. What alerts say stands in <code>:
there Telegram makes neither links nor mentions of it.
"""

import re
from html import escape, unescape
from typing import Any

from midwatch_alerts.channels.answers import problem
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.message import Message
from midwatch_alerts.wording.words import Item, Words, fitted, text_of
from midwatch_alerts.wording.writing import Writer
from midwatch_core import Severity

# So many characters after the entities are read.
_TEXT = 4096
_TAG = re.compile("<[^>]*>")


class Telegram:
    """One chat that a bot writes into."""

    kind = "telegram"

    def __init__(self, base_url: str, bot_token: str, chat_id: str, poster: Poster, writer: Writer) -> None:
        self._url = f"{base_url.rstrip('/')}/bot{bot_token}/sendMessage"
        self._chat_id = chat_id
        self._poster = poster
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Send it. Raises ChannelError, also where a 200 says `ok: false`."""
        body = {"chat_id": self._chat_id, **body_of(self._writer.words(message), message)}
        response = await self._poster.post_json(self._url, body)
        document = response.document()
        if document.get("ok") is not True:
            code = document.get("error_code")
            raise problem(response, self._poster.clock.now(), status=code if isinstance(code, int) else 0)

    async def close(self) -> None:
        """Hang up."""
        await self._poster.close()


def body_of(words: Words, message: Message) -> dict[str, Any]:
    """The message, without its chat; a quiet one where nothing is urgent."""
    return {
        "text": fitted(words, _text, _shown, _TEXT),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": message.severity in (Severity.INFO, Severity.LOW),
    }


def _shown(text: str) -> int:
    return len(unescape(_TAG.sub("", text)))


def _text(words: Words) -> str:
    if words.own is not None:
        return f"{_code(words.subject)}\n\n<pre>{escape(text_of(words), quote=False)}</pre>"
    parts = [f"{_code(words.subject)}\n{escape(words.lead, quote=False)}", *map(_item, words.items)]
    if words.rest:
        parts.append(escape(words.rest, quote=False))
    return "\n\n".join(parts)


def _item(item: Item) -> str:
    said = [_code(item.title), *(f"{_code(name)}: {_code(value)}" for name, value in item.facts)]
    if item.advice:
        said.append(escape(item.advice, quote=False))
    links = ((item.page, "See it"), (item.acknowledge, "Acknowledge it"))
    if shown := [f'<a href="{escape(url)}">{words}</a>' for url, words in links if url]:
        said.append(" · ".join(shown))
    return "\n".join(said)


def _code(text: str) -> str:
    return f"<code>{escape(text, quote=False)}</code>" if text else "–"
