"""Anything else, by the library apprise: a URL of its own for each of a hundred services.

It is asked for by the extra `apprise`. It works in a thread, says only whether it went well, and goes by the
environment's proxies.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from midwatch_alerts.channels.channel import ChannelError
from midwatch_alerts.channels.post import LONGEST_S
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.words import shortened, text_of
from midwatch_alerts.wording.writing import Writer
from midwatch_core import ConfigError, Severity

# Below this they write URLs into the log, and so secrets.
_TALKATIVE = ("apprise", "urllib3")
# Services cut what is too long for them; so much is enough for all.
_TEXT = 8000
_TYPES = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}


class ByApprise:
    """One apprise URL. `key` names the setting it is from. Raises ConfigError where it is none that apprise knows."""

    kind = "apprise"

    def __init__(self, url: str, key: str, writer: Writer) -> None:
        self._target = _target(url, key)
        self._writer = writer
        # One at a time: a service that hangs holds one thread, and what waits behind it was not sent.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="midwatch-apprise")

    async def send(self, message: Message) -> None:
        """Have it sent. Raises ChannelError; why it failed, only apprise's own log tells."""
        words = self._writer.words(message)
        kind = "success" if message.kind is MessageKind.RESOLVED else _TYPES.get(message.severity, "info")
        text = text_of(shortened(words, _TEXT))
        work = self._thread.submit(
            self._target.notify, title=words.subject, body=text, notify_type=kind, body_format="text"
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                sent = await asyncio.shield(asyncio.wrap_future(work))
        except TimeoutError:
            raise ChannelError("no answer: TimeoutError", unknown=not work.cancel()) from None
        except TypeError as error:  # apprise's word for what it can't make a message of
            raise ChannelError("apprise makes no message of it", refused=True) from error
        if not sent:
            raise ChannelError("apprise could not send it; its log says why")

    async def close(self) -> None:
        """Let the thread go; what hangs in it ends by its own timeouts."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _target(url: str, key: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            f"{key}: this needs a package that is not there: uv pip install 'midwatch[apprise]'"
        ) from None
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    target = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Midwatch", app_desc="Midwatch", async_mode=False))
    if not target.add(url):
        raise ConfigError(f"{key}: this is no URL that apprise knows")
    return target
