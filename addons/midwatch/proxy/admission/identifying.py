"""Whose a flow is: what it shows of its sender is taken from it, and never goes on. Beside `watching`."""

import base64
import binascii
from dataclasses import dataclass

from mitmproxy import connection, http

from midwatch.proxy.admission.certificates import ClientCertificates
from midwatch_core.access.fingerprint import fingerprint, provider_key
from midwatch_core.access.identifying import Identifier
from midwatch_core.access.keys import id_of
from midwatch_core.access.settings import IdentitySettings
from midwatch_core.access.shown import Denial, Denied, Shown
from midwatch_core.clock import Clock
from midwatch_core.metrics import Metrics
from midwatch_core.model.identity import Identity

_SHOWN = "midwatch_shown"
_KEY_HEADER = b"x-midwatch-key"
_OURS = b"x-midwatch-"
_PROXY_AUTHORIZATION = b"proxy-authorization"
_CHALLENGE = {"proxy-authenticate": 'Basic realm="Midwatch", charset="UTF-8"', "content-type": "text/plain"}
# Sources that speak only inside a tunnel, so that its opening can't be refused for want of them.
_INSIDE = frozenset({"header", "provider_key", "certificate"})


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What a client gave in Proxy-Authorization."""

    user: str | None = None
    password: str | None = None


_NONE = _Credentials()


class Identifying:
    """One idea: every header of ours is taken from a request, and what they and the connection show tells whose it is.

    `identifier` may be set anew at any time: the next request is judged by it, also inside a tunnel that is open.
    `session_headers` are the configured ones that name a conversation.
    """

    def __init__(
        self,
        identifier: Identifier,
        settings: IdentitySettings,
        *,
        installation_key: bytes,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Raises ConfigError where `client_ca` can't be read."""
        self.identifier = identifier
        self._installation_key = installation_key
        self._clock = clock
        self._metrics = metrics
        self._tunnels: dict[str, _Credentials] = {}
        self._subjects: dict[str, str | None] = {}
        self.follow(settings)

    def follow(self, settings: IdentitySettings) -> None:
        """From now on, go by these settings. Raises ConfigError where `client_ca` can't be read."""
        self._certificates = ClientCertificates.read(settings.client_ca) if settings.client_ca else None
        self._required = settings.required
        self.session_headers = settings.session_headers
        inside = _INSIDE if settings.client_ca else _INSIDE - {"certificate"}
        self._asks_inside = bool(inside & set(settings.order))
        self._labels = {
            name.encode("latin-1", "replace"): field
            for name, field in ((settings.agent_header, "agent"), (settings.user_header, "user"))
        }

    @property
    def required(self) -> bool:
        """Whether calls that nobody claims are refused."""
        return self._required

    def connect(self, flow: http.HTTPFlow, *, read: bool) -> Denied | None:
        """A tunnel is asked for; why it is refused, if it is. `read`: what passes in it will be seen."""
        given = _credentials(flow.request.headers.get("proxy-authorization", ""))
        if given is not _NONE:
            self._tunnels[flow.client_conn.id] = given
        if not given.password and not self._required:
            return None
        found = self.identifier.identify(self._shown(flow, given), self._clock.now())
        if isinstance(found, Identity):
            return None
        if found.why is Denial.UNKNOWN and read and self._asks_inside:
            return None  # its requests may say; nothing else may pass it: see `stranger`
        return self._denied(found)

    def connected(self, client: connection.Client) -> Identity | None:
        """Whose a connection is by what shows without a request: its credentials and address; None for a stranger's."""
        given = self._tunnels.get(client.id, _NONE)
        shown = Shown(
            proxy_user=given.user,
            proxy_password=given.password,
            client=_address(client),
            app=given.user if not given.password else None,
        )
        found = self.identifier.identify(shown, self._clock.now())
        return found if isinstance(found, Identity) else None

    def key_of(self, client: connection.Client) -> str | None:
        """The id of the key that a tunnel was asked for with, be it good or not."""
        return id_of(self._tunnels.get(client.id, _NONE).password or "")

    def key_shown(self, flow: http.HTTPFlow) -> str | None:
        """The id of the key that a request shows, be it good or not: to be asked after `take`."""
        shown: Shown = flow.metadata[_SHOWN]
        return id_of(shown.header_key or shown.proxy_password or "")

    def stranger(self, client: connection.Client) -> bool:
        """Whether a client may not have what nobody sees pass: its credentials and its network don't let it in.

        So it is where a tunnel was opened on trust that its requests will say whose they are, and where none was asked
        for at all: clients of a transparent proxy, or of SOCKS, just begin.
        """
        password = self._tunnels.get(client.id, _NONE).password
        shown = Shown(proxy_password=password, client=_address(client))
        return isinstance(self.identifier.identify(shown, self._clock.now()), Denied)

    def forget(self, connection_id: str) -> None:
        """A client is gone."""
        self._tunnels.pop(connection_id, None)
        self._subjects.pop(connection_id, None)

    def take(self, flow: http.HTTPFlow) -> Denied | None:
        """Take what is ours from a request; why it is refused, if it is. To be called before anything else is done."""
        given = self._tunnels.get(flow.client_conn.id, _NONE)
        headers = flow.request.headers
        kept, taken = [], {}
        for field in headers.fields:
            name = field[0].lower()
            if name.startswith(_OURS) or name == _PROXY_AUTHORIZATION or name in self._labels:
                taken[name] = field[1].decode("utf-8", "replace")
            else:
                kept.append(field)
        if taken:
            headers.fields = tuple(kept)
            if _PROXY_AUTHORIZATION in taken:
                given = _credentials(taken[_PROXY_AUTHORIZATION])
        shown = self._shown(flow, given, taken)
        flow.metadata[_SHOWN] = shown
        if self._required or shown.proxy_password or shown.header_key:
            found = self.identifier.identify(shown, self._clock.now())
            return self._denied(found) if isinstance(found, Denied) else None
        return None

    def identity(self, flow: http.HTTPFlow) -> Identity | Denied:
        """Whose the call is: to be asked after `take`."""
        return self.identifier.identify(flow.metadata[_SHOWN], self._clock.now())

    def _shown(self, flow: http.HTTPFlow, given: _Credentials, taken: dict[bytes, str] | None = None) -> Shown:
        said = taken or {}
        labels = {field: said[name] for name, field in self._labels.items() if name in said}
        return Shown(
            proxy_user=given.user,
            proxy_password=given.password,
            header_key=said.get(_KEY_HEADER),
            client=_address(flow.client_conn),
            provider_key=self._fingerprint(flow) if taken is not None else None,
            certificate=self._subject(flow),
            agent=labels.get("agent"),
            user=labels.get("user"),
            user_agent=flow.request.headers.get("user-agent"),
            app=given.user if not given.password else None,
        )

    def _fingerprint(self, flow: http.HTTPFlow) -> str | None:
        if not self.identifier.directory.asks_provider_keys:
            return None
        headers = {name.lower(): value for name, value in flow.request.headers.items()}
        key = provider_key(headers, dict(flow.request.query.items()))
        return fingerprint(self._installation_key, key) if key else None

    def _subject(self, flow: http.HTTPFlow) -> str | None:
        """The subject of the client's certificate where that is to be trusted; looked at once a connection."""
        client = flow.client_conn
        if self._certificates is None or not client.certificate_list:
            return None
        if client.id not in self._subjects:
            chain = [item.to_cryptography() for item in client.certificate_list]
            self._subjects[client.id] = self._certificates.subject(chain, self._clock.now())
        return self._subjects[client.id]

    def _denied(self, denied: Denied) -> Denied:
        self._metrics.add("midwatch_denied_total", labels=(denied.why,))
        return denied


def challenge(denied: Denied) -> http.Response:
    """The proxy's own refusal: 407, which asks for credentials."""
    return http.Response.make(407, f"{denied.message}\n", _CHALLENGE)


def _address(client: connection.Client) -> str | None:
    return str(client.peername[0]) if client.peername else None


def _credentials(header: str) -> _Credentials:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return _NONE
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return _NONE
    return _Credentials(user=user or None, password=password or None)
