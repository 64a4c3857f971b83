"""The HTTP sink: batches are posted; what the answer says of waiting is kept to (RFC 9110, section 10.2.3)."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from midwatch_compliance.siem.event import SiemEvent
from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.sinks.sink import SinkError
from midwatch_core import ConfigError, Way

_TIMEOUT_S = 30.0
# The body is at fault: the same one will never be taken.
_REFUSED = frozenset({400, 413, 422})
_TYPES = {"ocsf": "application/x-ndjson", "cef": "text/plain; charset=utf-8", "rfc5424": "text/plain; charset=utf-8"}


class HttpSink:
    """Posts to one URL. Neither redirects nor the environment's proxies lead events elsewhere."""

    def __init__(
        self,
        name: str,
        url: str,
        lines: Lines,
        *,
        headers: Mapping[str, str],
        array: bool,
        way: Callable[[], Way] = Way,
    ) -> None:
        """`way` tells at each batch how the URL is got to now; it may raise ConfigError."""
        self.name = name
        self._url = url
        self._lines = lines
        self._array = array
        kind = "application/json" if array else _TYPES[lines.format]
        self._headers = {"content-type": kind, "user-agent": f"midwatch/{lines.version or '0'}", **headers}
        self._way_now = way
        self._way = Way()
        self._client: httpx.AsyncClient | None = None

    async def send(self, events: Sequence[SiemEvent]) -> None:
        """Post a batch. Raises SinkError."""
        lines = [self._lines.line(event) for event in events]
        body = f"[{','.join(lines)}]" if self._array else "".join(f"{line}\n" for line in lines)
        try:
            client = await self._led()
            answer = await client.post(self._url, content=body.encode("utf-8", "replace"))
        except ConfigError as error:
            raise SinkError(str(error)) from error
        except httpx.HTTPError as error:
            raise SinkError(f"{self._url}: {type(error).__name__}") from error
        if not answer.is_success:
            raise SinkError(
                f"{self._url}: answers {answer.status_code}",
                refused=answer.status_code in _REFUSED,
                wait_s=retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC)),
            )

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _led(self) -> httpx.AsyncClient:
        """The client for the way as it is now. Raises ConfigError."""
        way = self._way_now()
        if self._client is None or way != self._way:
            await self.close()
            self._client = _client(way, self._headers)
            self._way = way
        return self._client


def _client(way: Way, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """A client that goes that way. Raises ConfigError where the house's CAs can't be read."""
    tls = way.trusting(httpx.create_ssl_context(trust_env=False))
    return httpx.AsyncClient(
        headers=headers,
        timeout=_TIMEOUT_S,
        follow_redirects=False,
        trust_env=False,
        verify=tls,
        proxy=None if way.proxy is None else _proxy(way.proxy, tls),
    )


def _proxy(url: str, tls: ssl.SSLContext) -> httpx.Proxy:
    """A proxy spoken to by TLS is checked as a receiver is; one that is not has no certificate."""
    return httpx.Proxy(url, ssl_context=tls if url.startswith("https://") else None)


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After asks for, in seconds or until a date; None where it says nothing sound."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
