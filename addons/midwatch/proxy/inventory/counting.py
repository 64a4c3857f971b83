"""The addon that takes the inventory: who talks to which AI service, read or not. Other hosts leave no trace in it."""

from dataclasses import dataclass, replace
from datetime import datetime

from mitmproxy import connection, http, tls

from midwatch.proxy import bridge
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.decrypting import wanted
from midwatch.proxy.inventory.owners import Found, Owner, Owners, known
from midwatch.proxy.inventory.pinning import Pinning
from midwatch.proxy.inventory.sighting_report import SightingReport
from midwatch_core.call import Call
from midwatch_core.clock import Clock
from midwatch_core.guarded import Guard
from midwatch_core.metrics import Metrics
from midwatch_core.model.identity import Identity
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.wire.ai_hosts import AiHost, AiHosts

# Hosts of which a client of a plain proxy may speak on one connection.
_MOST_HOSTS = 64
_CALL = "midwatch_call"
_NOBODY = Owner(None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Talk:
    """A client that talks to a host of an AI service. `counted` is False until it is known how much can be read."""

    host: str
    service: AiHost
    owner: Found | None
    identity: Identity | None
    seen: Seen = Seen.DECRYPTED
    counted: bool = False


class Inventory:
    """One idea: each connection to an AI service is counted once, as soon as it is clear how it went; calls beside.

    To come after all addons that say what is decrypted, who is let in, and what is a call.
    """

    name = "midwatch_inventory"

    def __init__(
        self,
        hosts: AiHosts,
        *,
        report: SightingReport,
        enabled: bool,
        identifying: Identifying,
        pinning: Pinning,
        owners: Owners,
        clock: Clock,
        metrics: Metrics,
        guard: Guard,
    ) -> None:
        self._guard = guard
        self._identifying = identifying
        self._pinning = pinning
        self._owners = owners
        self._clock = clock
        self._metrics = metrics
        self._open: dict[str, dict[str, _Talk]] = {}
        self.report = report
        self.follow(hosts, enabled=enabled)

    def follow(self, hosts: AiHosts, *, enabled: bool) -> None:
        """From the next connection on, go by these."""
        self._hosts = hosts
        self._enabled = enabled

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A client begins TLS: its first words name the host, whatever it trusts."""
        self._guard.value("inventory.hello", self._hello, data)

    def refused(self, client: connection.Client) -> None:
        """A client refused our certificate: see `Pinning.refused`."""
        for talk in self._open.pop(client.id, {}).values():
            if not talk.counted and talk.identity is not None:
                self._count(replace(talk, seen=Seen.REFUSED), talk.identity, connections=1)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request begins: the first on a connection tells who speaks, and that it can be read."""
        if self._enabled and flow.response is None and flow.error is None:  # not refused because of who made it
            self._guard.value("inventory.speak", self._speak, flow)

    def request(self, flow: http.HTTPFlow) -> None:
        """A whole request is here: was it a call to a model?"""
        call: Call | None = flow.metadata.get(_CALL)
        if call is not None:
            self._guard.value("inventory.call", self.called, flow, call.identity)

    def called(self, flow: http.HTTPFlow, identity: Identity) -> None:
        """A call to a model was made in this flow. Its own identity counts, not that of its connection."""
        if not self._enabled:
            return
        talk = self._open.get(flow.client_conn.id, {}).get(bridge.host_of(flow).lower())
        if talk is None or not talk.counted:
            host, port = bridge.host_of(flow), bridge.port_of(flow)
            talk = self._begin(flow, self._hosts.of(host, port) or self._hosts.unlisted(host, port))
        if talk is not None:
            self._count(talk, identity, calls=1)

    def client_disconnected(self, client: connection.Client) -> None:
        """A client is gone."""
        self._open.pop(client.id, None)

    def lost(self) -> None:
        """Tell how much there was no room for."""
        self._metrics.set("midwatch_sightings_lost_total", self.report.lost)

    def _hello(self, data: tls.ClientHelloData) -> None:
        client, (host, port) = data.context.client, wanted(data)
        service = self._hosts.of(host, port) if host and self._enabled else None
        if service is None or host is None:
            return
        identity = self._identifying.connected(client)
        talk = _Talk(host=host.lower(), service=service, owner=self._owners.of(client), identity=identity)
        if not data.ignore_connection:
            self._keep(client, talk)
        elif identity is not None:
            seen = Seen.PINNED if self._pinning.passes(client) else Seen.SNI
            self._metrics.add("midwatch_passthrough_total", labels=(seen.value,))
            self._count(replace(talk, seen=seen), identity, connections=1)

    def _speak(self, flow: http.HTTPFlow) -> None:
        host = bridge.host_of(flow)
        before = self._open.get(flow.client_conn.id, {}).get(host.lower())
        if before is not None and before.counted:
            return
        service = self._hosts.of(host, bridge.port_of(flow))
        if service is not None:
            self._begin(flow, service)

    def _begin(self, flow: http.HTTPFlow, service: AiHost) -> _Talk | None:
        """The first request on a connection. None where it is nobody's."""
        identity = self._identifying.identity(flow)
        if not isinstance(identity, Identity):
            return None
        client = flow.client_conn
        host, owner = bridge.host_of(flow).lower(), self._owners.of(client)
        read = client.tls_established and flow.request.scheme == "https"
        seen = Seen.DECRYPTED if read else Seen.PLAIN
        talk = _Talk(host=host, service=service, owner=owner, identity=identity, seen=seen, counted=True)
        self._keep(client, talk)
        self._count(talk, identity, connections=1)
        return talk

    def _keep(self, client: connection.Client, talk: _Talk) -> None:
        talks = self._open.setdefault(client.id, {})
        if len(talks) >= _MOST_HOSTS and talk.host not in talks:
            del talks[next(iter(talks))]
        talks[talk.host] = talk

    def _count(self, talk: _Talk, identity: Identity, *, connections: int = 0, calls: int = 0) -> None:
        """Count it now, or when the client's process is known."""
        now = self._clock.now()

        def count(_: Found | None) -> None:
            owner = known(talk.owner) or _NOBODY
            told = (identity.client, identity.app, identity.user_agent, owner.process, owner.container)
            likeness = (talk.host, identity.tenant, talk.seen.value, *told)
            if not self.report.again(likeness, now, connections=connections, calls=calls):
                one = _sighting(talk, identity, owner, now)
                self.report.add(replace(one, connections=connections, calls=calls))

        if talk.owner is None or talk.owner.done():
            count(None)
        else:
            talk.owner.add_done_callback(count)


def _sighting(talk: _Talk, identity: Identity, owner: Owner, at: datetime) -> Sighting:
    return Sighting(
        host=talk.host,
        tenant=identity.tenant,
        seen=talk.seen,
        first_at=at,
        last_at=at,
        provider=talk.service.provider,
        known=talk.service.known,
        client=identity.client,
        app=identity.app,
        user_agent=identity.user_agent,
        process=owner.process,
        container=owner.container,
    )
