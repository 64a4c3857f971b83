"""Posting: one HTTP request of a channel, and the beginning of its answer. What went wrong is told without secrets."""

import asyncio
import logging
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson

from midwatch_alerts.channels.answers import Response, check_status
from midwatch_alerts.channels.channel import ChannelError
from midwatch_core import Clock, SystemClock

LONGEST_S = 10.0
_CONNECT_S = 5.0
_LARGEST_ANSWER = 16 * 1024
# Shorter ones are words such as `services`: masking them would tell less of what is wrong.
_SHORTEST_PIECE = 9
_BETWEEN = re.compile(r"[/?&=:@\s]+")
# It writes every URL into the log, and a webhook's is a secret.
_TALKATIVE = "httpx"
# Nothing was sent yet: trying again can't tell anything twice.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Poster:
    """Posts to wherever it is told, over one client. Neither redirects nor the environment's proxies are followed."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        proxy: str | None = None,
        agent: str = "midwatch",
        secrets: Sequence[str] = (),
        clock: Clock | None = None,
        longest_s: float = LONGEST_S,
    ) -> None:
        logging.getLogger(_TALKATIVE).setLevel(logging.WARNING)
        self.clock = clock or SystemClock()
        self._longest_s = longest_s
        pieces = {piece for secret in secrets for piece in _pieces(secret)}
        self._secrets = sorted(pieces, key=len, reverse=True)
        self._client = httpx.AsyncClient(
            headers={"user-agent": agent, "accept-encoding": "identity"},
            timeout=httpx.Timeout(longest_s, connect=min(longest_s, _CONNECT_S)),
            limits=httpx.Limits(max_connections=2),
            follow_redirects=False,
            trust_env=False,
            verify=tls,
            proxy=None if proxy is None else _proxy(proxy, tls),
        )

    async def post_json(
        self, url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Response:
        """Post a document; an answer of 2xx. Raises ChannelError."""
        return await self.post(url, orjson.dumps(body), headers=headers, method=method)

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Response:
        """Post the bytes of a JSON document; an answer of 2xx. Raises ChannelError."""
        given = {**(headers or {}), "content-type": "application/json"}
        try:
            async with asyncio.timeout(self._longest_s):
                response = await self._exchange(method, url, content, given)
        except _NOT_SENT as error:
            raise ChannelError(f"can't be reached: {type(error).__name__}") from None
        except (httpx.HTTPError, TimeoutError) as error:  # neither's message is told: it may have the URL in it
            raise ChannelError(f"no answer: {type(error).__name__}", unknown=True) from None
        check_status(response, self.clock.now())
        return response

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _exchange(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Response:
        async with self._client.stream(method, url, content=content, headers=headers) as answer:
            read = bytearray()
            async for piece in answer.aiter_raw(_LARGEST_ANSWER):
                read += piece
                if len(read) >= _LARGEST_ANSWER:
                    break
        text = read[:_LARGEST_ANSWER].decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, text)


def _pieces(secret: str) -> Iterator[str]:
    """A secret, and what of it an answer may repeat: a page that is not found tells the path of its URL."""
    host = urlsplit(secret).netloc.rpartition("@")[2] if "://" in secret else ""
    for piece in (secret, *_BETWEEN.split(secret)):
        if piece == secret or (len(piece) >= _SHORTEST_PIECE and piece not in host):
            yield piece
            yield quote(piece, safe="")


def _proxy(url: str, tls: ssl.SSLContext) -> httpx.Proxy:
    """A proxy spoken to by TLS is checked as a receiver is; one that is not has no certificate."""
    return httpx.Proxy(url, ssl_context=tls if url.startswith("https://") else None)
