"""The exporter: a task of its own that sends what waits, tries again what failed for now, and counts what it drops."""

import asyncio
import gzip
import logging
import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from midwatch_core import Clock, ConfigError, Exchange, Guard, Metrics
from midwatch_otel.export.destination import Destination, Signal
from midwatch_otel.export.numbers import DROPPED, RETRIES, SENT, WAITING
from midwatch_otel.export.requests import Body, Writer
from midwatch_otel.export.retrying import RETRYABLE, Retrying, retry_after_s
from midwatch_otel.export.tally import Tally
from midwatch_otel.export.waiting import Waiting

logger = logging.getLogger(__name__)

_BATCH = 500
_LAST_S = 3.0
# What a collector may answer.
_ANSWER_BYTES = 64 * 1024


@dataclass(slots=True)
class Exporter:
    """Sends exchanges to `destination` every `interval_s`, from `start` to `close`.

    `house` tells the settings by which requests of Midwatch's own go now.
    """

    destination: Destination
    writer: Writer
    tally: Tally
    metrics: Metrics
    clock: Clock
    interval_s: float
    house: Callable[[], Mapping[str, object]] = dict
    waiting: Waiting = field(default_factory=Waiting)
    _web: httpx.AsyncClient | None = None
    _led: Destination | None = None
    _task: asyncio.Task[None] | None = None
    _guard: Guard = field(default_factory=Guard)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _troubled: bool = False

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Note exchanges. Never waits; what there is no room for is dropped, and counted."""
        if left_out := self.waiting.put(exchanges):
            self.metrics.add(DROPPED, left_out, ("queue_full",))
        self.metrics.set(WAITING, len(self.waiting))
        if len(self.waiting) >= _BATCH:
            self._more.set()

    def start(self) -> None:
        """Begin. Raises ConfigError where the way there can't be had."""
        # Its line for every request would be half of our log.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._led = self.destination.led(self.house())
        self._web = _client(self._led)
        self._task = asyncio.create_task(self._run(), name="midwatch-otel-export")

    async def close(self) -> None:
        """Send what waits, as far as that goes in a moment, and stop."""
        self._ending.set()
        self._more.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_LAST_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._web is not None:
            await self._web.aclose()

    async def _run(self) -> None:
        while not self._ending.is_set():
            try:
                async with asyncio.timeout(self.interval_s):
                    await self._more.wait()
            except TimeoutError:
                pass
            self._more.clear()
            # An exchange that can't be written costs its batch, and not the exporter's life.
            await self._guard.wait("otel.export", self._send_waiting)
            await self._guard.wait("otel.export", self._send_metrics)

    async def _send_waiting(self) -> None:
        signal = self.destination.spans
        while some := self.waiting.take(_BATCH):
            self.metrics.set(WAITING, len(self.waiting))
            # Off the loop, which is the pipeline's too: with contents, a batch is megabytes.
            for body in await asyncio.to_thread(self._written, some):
                if signal is not None:
                    await self._send_body(signal, body)

    def _written(self, exchanges: Sequence[Exchange]) -> list[Body]:
        """Count exchanges for the metrics, and write their spans where those are sent."""
        for exchange in exchanges:
            self.tally.take(exchange)
        return self.writer.spans(exchanges) if self.destination.spans is not None else []

    async def _send_body(self, signal: Signal, body: Body) -> None:
        answer = await self._send(signal, body.data)
        if answer is None:
            self.metrics.add(DROPPED, body.spans, ("unreachable",))
        elif answer.status_code != 200:
            self.metrics.add(DROPPED, body.spans, ("refused",))
        else:
            refused = min(body.spans, _refused_spans(answer.content))
            self.metrics.add(SENT, body.spans - refused)
            if refused:
                self.metrics.add(DROPPED, refused, ("refused",))

    async def _send_metrics(self) -> None:
        signal = self.destination.metrics
        found = self.tally.metrics(int(self.clock.now().timestamp() * 1e9)) if signal is not None else []
        if signal is not None and found:
            await self._send(signal, self.writer.metrics(found))

    async def _send(self, signal: Signal, data: bytes) -> httpx.Response | None:
        """Send a body until it is answered for good; None where it never was."""
        retrying = Retrying()
        while True:
            answer = await self._try(signal, data)
            if answer is not None and answer.status_code not in RETRYABLE:
                self._tell(signal, f"HTTP {answer.status_code}" if answer.status_code != 200 else None)
                return answer
            told_s = retry_after_s(answer.headers.get("retry-after"), self.clock.now()) if answer is not None else None
            wait_s = retrying.failed(random.random(), told_s)  # noqa: S311  # spreads senders, hides nothing
            if wait_s is None or self._ending.is_set():
                return None
            self.metrics.add(RETRIES)
            try:
                async with asyncio.timeout(wait_s):
                    await self._ending.wait()
            except TimeoutError:
                pass

    async def _try(self, signal: Signal, data: bytes) -> httpx.Response | None:
        """One try; None where there was no answer."""
        headers = {"content-type": "application/x-protobuf", **signal.headers}
        if self.destination.gzip:
            data = await asyncio.to_thread(gzip.compress, data, 6)
            headers["content-encoding"] = "gzip"
        try:
            web = await self._client_now()
            return await web.post(signal.url, content=data, headers=headers)
        except ConfigError as error:
            self._tell(signal, str(error))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._tell(signal, type(error).__name__)
        return None

    async def _client_now(self) -> httpx.AsyncClient:
        """The client for the ways as they are now; no other request is under way. Raises ConfigError."""
        led = self.destination.led(self.house())
        if self._web is None or led != self._led:
            fresh = _client(led)
            if self._web is not None:
                await self._web.aclose()
            self._web, self._led = fresh, led
        return self._web

    def _tell(self, signal: Signal, trouble: str | None) -> None:
        """Say once that the collector does not take what we send, and once that it does again."""
        if trouble is not None and not self._troubled:
            logger.warning("the collector at %s does not take telemetry: %s", signal.url, trouble)
        elif trouble is None and self._troubled:
            logger.warning("the collector at %s takes telemetry again", signal.url)
        self._troubled = trouble is not None


def _client(destination: Destination) -> httpx.AsyncClient:
    """A client that goes each signal's own way. Raises ConfigError where the house's CAs can't be read."""
    # SSL_CERT_FILE is heeded, as by OpenTelemetry's own exporters; the environment's proxies are not.
    tls = httpx.create_ssl_context()
    led: dict[str, httpx.AsyncBaseTransport | None] = {}
    for signal in destination.signals:
        tls = signal.way.trusting(tls)
        if signal.way.proxy is not None:
            host = urlsplit(signal.url).netloc.rpartition("@")[2]
            led[f"https://{host}"] = httpx.AsyncHTTPTransport(verify=tls, proxy=_proxy(signal.way.proxy, tls))
    return httpx.AsyncClient(
        timeout=destination.timeout_s, follow_redirects=False, trust_env=False, verify=tls, mounts=led
    )


def _proxy(url: str, tls: ssl.SSLContext) -> httpx.Proxy:
    """A proxy spoken to by TLS is checked as a collector is; one that is not has no certificate."""
    return httpx.Proxy(url, ssl_context=tls if url.startswith("https://") else None)


def _refused_spans(body: bytes) -> int:
    """How many spans a collector says it refused; what it says in another form says nothing."""
    answer = ExportTraceServiceResponse()
    try:
        answer.ParseFromString(body[:_ANSWER_BYTES])
    except DecodeError:
        return 0
    return max(0, answer.partial_success.rejected_spans)
