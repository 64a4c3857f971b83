"""Anything else, by the library apprise: a URL of its own for each of a hundred services.

It is asked for by the extra `apprise`. It goes by the environment's proxies and says only whether it went well, so each
message has a process of its own (`apprise_process`), which is led as our own requests are, and ended where it hangs.
"""

import asyncio
import logging
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import orjson

from midwatch_alerts.channels.apprise_process import target_of
from midwatch_alerts.channels.channel import ChannelError
from midwatch_alerts.channels.post import LONGEST_S
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.words import shortened, text_of
from midwatch_alerts.wording.writing import Writer
from midwatch_core import ConfigError, Json, Severity

logger = logging.getLogger(__name__)
# Below this they write URLs into the log, and so secrets.
_TALKATIVE = ("apprise", "urllib3")
# Services cut what is too long for them; so much is enough for all.
_TEXT = 8000
_TYPES = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}
# Python and apprise take a second to begin, on a busy machine many; nothing was sent until then.
_BEGIN_S = 60.0
_END_S = 3.0
_WORDS = ("-P", "-m", "midwatch_alerts.channels.apprise_process")
_MOST_LOGGED = 8 * 1024
_LINES = 20


class ByApprise:
    """One apprise URL. `key` names the setting it is from, `way` is what `led_by` tells.

    Raises ConfigError where it is none that apprise knows.
    """

    kind = "apprise"

    def __init__(self, url: str, key: str, writer: Writer, way: Mapping[str, Json]) -> None:
        _check(url, key)
        self._url = url
        self._writer = writer
        self._way = way

    async def send(self, message: Message) -> None:
        """Have it sent. Raises ChannelError; why it failed, only apprise's own log tells."""
        words = self._writer.words(message)
        kind = "success" if message.kind is MessageKind.RESOLVED else _TYPES.get(message.severity, "info")
        text = text_of(shortened(words, _TEXT))
        order = {
            "path": sys.path,
            "way": self._way,
            "url": self._url,
            "message": {"title": words.subject, "body": text, "notify_type": kind},
        }
        async with _process() as process:
            said = await _said(process, orjson.dumps(order))
        if said == b"refused\n":
            raise ChannelError("apprise makes no message of it", refused=True)
        if said != b"sent\n":
            raise ChannelError("apprise could not send it; its log says why", unknown=not said)

    async def close(self) -> None:
        """Nothing is kept."""


async def _said(process: Process, order: bytes) -> bytes:
    """Its last word, none where it died. Raises ChannelError where it takes too long, or could not begin."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_BEGIN_S):
            with suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(order)
                await process.stdin.drain()
            process.stdin.close()
            ready = await process.stdout.readline()
    except TimeoutError:
        raise ChannelError("apprise did not begin: TimeoutError") from None
    if ready != b"ready\n":
        raise ChannelError("apprise could not begin; its log says why")
    try:
        async with asyncio.timeout(LONGEST_S):
            return await process.stdout.readline()
    except TimeoutError:
        raise ChannelError("no answer: TimeoutError", unknown=True) from None


@asynccontextmanager
async def _process() -> AsyncIterator[Process]:
    """A process that is gone at the end, with all that it started and wrote; what it logged is in our log then."""
    with tempfile.TemporaryDirectory(prefix="midwatch-apprise-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *_WORDS,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            env={**os.environ, "TMPDIR": folder},
        )
        logged = asyncio.create_task(_logged(process))
        try:
            yield process
        finally:
            await asyncio.shield(asyncio.create_task(_ended(process, logged)))


async def _ended(process: Process, logged: asyncio.Task[None]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone already
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            await process.wait()
            await logged
    logged.cancel()
    await asyncio.gather(logged, return_exceptions=True)


async def _logged(process: Process) -> None:
    """Log the beginning of what it says of itself, at its end."""
    assert process.stderr is not None
    kept = b""
    while piece := await process.stderr.read(_MOST_LOGGED):
        kept = (kept + piece)[:_MOST_LOGGED]
    for line in kept.decode("utf-8", "replace").splitlines()[:_LINES]:
        logger.warning("apprise: %s", "".join(char if char.isprintable() else " " for char in line))


def _check(url: str, key: str) -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        known = target_of(url) is not None
    except ImportError:
        raise ConfigError(
            f"{key}: this needs a package that is not there: uv pip install 'midwatch[apprise]'"
        ) from None
    if not known:
        raise ConfigError(f"{key}: this is no URL that apprise knows")
