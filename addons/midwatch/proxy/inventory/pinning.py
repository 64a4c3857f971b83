"""The addon that minds clients which refuse our certificate: they are remembered, and their next try passes unread."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from mitmproxy import connection, http, tcp, tls

from midwatch.lean.edges import Edge
from midwatch.proxy.decrypting import wanted
from midwatch.proxy.inventory.fingerprint import fingerprint_of
from midwatch.proxy.inventory.owners import Found, Owners, known
from midwatch.proxy.inventory.refusals import AT_ONCE_S, Silences, alert_of, hung_up
from midwatch_core.clock import Clock
from midwatch_core.guarded import Guard
from midwatch_core.inventory_settings import TlsSettings
from midwatch_core.metrics import Metrics
from midwatch_core.pins import Pin, Pins

logger = logging.getLogger(__name__)

# What waits for control to have it: beyond, the oldest make room.
_MOST_WAITING = 1000


@dataclass(slots=True)
class _Handshake:
    """A TLS connection that we mean to read, until its client is gone."""

    client: str
    host: str
    fingerprint: str
    owner: Found | None = None
    established_s: float | None = None
    spoken: bool = False

    @property
    def who(self) -> tuple[str, str, str]:
        return self.client, self.host, self.fingerprint

    @property
    def process(self) -> str | None:
        """The client's process as far as it is known by now."""
        owner = known(self.owner)
        return owner.process if owner else None


def _nobody(*_: object) -> None:
    pass


class Pinning:
    """One idea: who refuses our certificate is asked no more, for a time, and works as if we were not there.

    To come right after the addon that says what is decrypted. `refused` is told of each client that is taken to have
    refused, `news` is called when control should know; `passes` tells whether a connection passes because its client
    refused before.
    """

    name = "midwatch_pinning"

    def __init__(self, settings: TlsSettings, *, owners: Owners, clock: Clock, metrics: Metrics, guard: Guard) -> None:
        self._owners = owners
        self._clock = clock
        self._metrics = metrics
        self._guard = guard
        self._pins = Pins()
        self._waiting: dict[object, Pin] = {}
        self._silences = Silences()
        self._open: dict[str, _Handshake] = {}
        self._passing: set[str] = set()
        self.refused: Callable[[connection.Client], None] = _nobody
        self.news: Callable[[], None] = _nobody
        self.follow(settings)

    def follow(self, settings: TlsSettings) -> None:
        """From the next connection on, go by these."""
        self._settings = settings

    def take(self, pins: Pins) -> None:
        """These are what all workers have told control; those of ours that it has not got yet are kept beside."""
        for pin in pins.all():
            self._waiting.pop(pin.key, None)
        self._pins = pins
        for pin in self._waiting.values():
            pins.add(pin)

    def waiting(self) -> list[Pin]:
        """What control does not have yet."""
        return list(self._waiting.values())

    def passes(self, client: connection.Client) -> bool:
        """Whether what this client has open now passes unread because of what it refused before."""
        return client.id in self._passing

    def tls_clienthello(self, data: tls.ClientHelloData) -> Awaitable[None] | None:
        """A client begins TLS with a host that we would read: has it refused us there before?"""
        waiting: Awaitable[None] | None = self._guard.value("pinning.hello", self._hello, data)
        return waiting

    def tls_established_client(self, data: tls.TlsData) -> None:
        """A client took our certificate, or looks at it only now."""
        if handshake := self._open.get(data.context.client.id):
            handshake.established_s = self._clock.monotonic()

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """A handshake failed: because of our certificate?"""
        client = data.context.client
        handshake = self._open.pop(client.id, None)
        if handshake is None:
            return
        if alert := alert_of(data.conn.error):
            self._refuse(client, handshake, f"its alert: {alert}")
        elif data.ssl_conn is None:
            pass  # it did not wait for our certificate
        elif hung_up(data.conn.error) and self._silences.left(handshake.who):
            self._refuse(client, handshake, "it hung up at our certificate, more than once")

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A client speaks inside TLS: it trusts us."""
        self._spoke(flow.client_conn.id)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """So it does when it speaks another protocol."""
        self._spoke(flow.client_conn.id)

    def midwatch_edge(self, edge: Edge) -> None:
        """So it does when what it says inside is refused."""
        self._spoke(edge.client.id)

    def client_disconnected(self, client: connection.Client) -> None:
        """A client is gone. One that never said anything may have looked at our certificate after the handshake."""
        self._passing.discard(client.id)
        handshake = self._open.pop(client.id, None)
        if handshake is None or handshake.spoken or handshake.established_s is None:
            return
        at_once = self._clock.monotonic() - handshake.established_s <= AT_ONCE_S
        if at_once and self._silences.left(handshake.who):
            self._refuse(client, handshake, "it left right after the handshake, more than once")

    def _hello(self, data: tls.ClientHelloData) -> Awaitable[None] | None:
        host, client = wanted(data)[0], data.context.client
        self._passing.discard(client.id)
        if data.ignore_connection or host is None or not client.peername:
            return None
        handshake = _Handshake(str(client.peername[0]), host.lower(), fingerprint_of(data.client_hello))
        handshake.owner = self._owners.of(client)
        self._open[client.id] = handshake
        held = self._pins.held(*handshake.who, self._clock.now())
        if not held or self._settings.pinned == "refuse":
            return None
        if handshake.owner is None or any(pin.process is None for pin in held):
            self._pass(data, client)
            return None
        return self._pass_if_it_is_one_of(held, data, handshake)

    async def _pass_if_it_is_one_of(
        self, held: Iterable[Pin], data: tls.ClientHelloData, handshake: _Handshake
    ) -> None:
        """Several programs of one machine look alike: wait for which this is. One that can't be told passes."""
        assert handshake.owner is not None
        await asyncio.wait([handshake.owner])  # others wait for it too: it is not ours to cancel
        process = handshake.process
        if process is None or any(pin.process == process for pin in held):
            self._pass(data, data.context.client)

    def _pass(self, data: tls.ClientHelloData, client: connection.Client) -> None:
        data.ignore_connection = True
        self._open.pop(client.id, None)
        self._passing.add(client.id)

    def _spoke(self, client_id: str) -> None:
        handshake = self._open.get(client_id)
        if handshake is not None and not handshake.spoken:
            handshake.spoken = True
            self._silences.spoke(handshake.who)

    def _refuse(self, client: connection.Client, handshake: _Handshake, why: str) -> None:
        self.refused(client)
        pin = Pin(
            client=handshake.client,
            host=handshake.host,
            fingerprint=handshake.fingerprint,
            until=self._clock.now() + timedelta(hours=self._settings.pinned_hours),
            why=why,
            process=handshake.process,
        )
        if handshake.owner is None or handshake.owner.done():
            self._remember(pin)
            return
        # It may try again before its process is found: until then, whatever looks like it passes.
        self._pins.add(pin)
        handshake.owner.add_done_callback(lambda owner: self._name(pin, owner))

    def _name(self, pin: Pin, owner: Found) -> None:
        found = known(owner)
        self._pins.discard(pin)
        self._remember(replace(pin, process=found.process if found else None))

    def _remember(self, pin: Pin) -> None:
        if self._pins.add(pin):
            self._metrics.add("midwatch_pinned_total", labels=(pin.host,))
            logger.warning("%s", _told(pin, self._settings.pinned))
        if len(self._waiting) >= _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[pin.key] = pin
        self.news()


def _told(pin: Pin, then: str) -> str:
    """What happened, and what to do about it."""
    who = f"{pin.client} ({pin.process})" if pin.process else pin.client
    passes = "passes unread" if then == "pass" else "is refused again (tls.pinned)"
    return (
        f"{who} refused our certificate for {pin.host} ({pin.why}): its next try {passes}, until {pin.until:%F %T} UTC."
        " To read it, have that client trust the CA (see `ca`), then: hosts unpin"
    )
