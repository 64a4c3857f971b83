"""The addon that minds connections to servers: addresses given by `connect_to`, and never our own listeners."""

import ipaddress
import socket
from collections.abc import Iterable, Mapping

from mitmproxy import http
from mitmproxy.net.http.url import hostport
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy.mode_specs import ReverseMode

from midwatch_core.config import split_address

# A port that nobody listens at (RFC 863): an address is only looked up.
_DISCARD = 9

WANTED_PORT = "midwatch_wanted_port"
"""Where a plain request was redirected: the port that its client wanted."""


class Connecting:
    """Redirects addresses as curl's --connect-to does, and refuses loops back into ourselves."""

    name = "midwatch_connecting"

    def __init__(self, connect_to: Mapping[str, str], own: Iterable[tuple[str, int]]) -> None:
        self._own = tuple(own)
        self.follow(connect_to)

    def follow(self, connect_to: Mapping[str, str]) -> None:
        """From the next connection on, go by these."""
        self._connect_to = {key.lower(): split_address(value) for key, value in connect_to.items()}

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection to a server is about to be made."""
        address = data.server.address
        if address is None:
            return
        redirected = self._redirected(*address[:2])
        if redirected is not None:
            data.server.address = redirected
        elif self._is_own(*address[:2]):
            data.server.error = "Midwatch will not connect to itself."

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Redirect plain requests here, and let a redirected reverse proxy keep its target's name.

        mitmproxy looks for a connection to reuse by the request's address: one that was redirected only as it was
        made would never be found again, and each call would take another. It puts the address in the Host header.
        """
        mode = flow.client_conn.proxy_mode
        if isinstance(mode, ReverseMode):
            if self._redirected(*mode.address):
                scheme = "https" if flow.request.scheme == "https" else "http"
                flow.request.host_header = hostport(scheme, *mode.address)
        elif flow.request.scheme == "http" and (there := self._redirected(flow.request.host, flow.request.port)):
            named = flow.request.host_header
            flow.metadata[WANTED_PORT] = flow.request.port
            flow.request.host, flow.request.port = there
            flow.request.host_header = named

    def minds(self, host: str, port: int) -> bool:
        """Whether this address is led elsewhere, or back into ourselves: no other way is to be sought for it."""
        return self._redirected(host, port) is not None or self._is_own(host, port)

    def _is_own(self, host: str, port: int) -> bool:
        return any(port == own_port and _leads_to(host.lower(), own) for own, own_port in self._own)

    def _redirected(self, host: str, port: int) -> tuple[str, int] | None:
        name = host.lower()
        return self._connect_to.get(f"{name}:{port}") or self._connect_to.get(name)


def _leads_to(wanted: str, listening: str) -> bool:
    """Whether a connection to `wanted` reaches who listens at `listening`, on the same port."""
    ours, theirs = _address(listening), _address(wanted)
    if theirs is None:
        return False  # a name; mitmproxy resolves it after us
    if ours is not None and ours.is_unspecified:
        return is_here(theirs)
    return theirs == ours or ((theirs.is_unspecified or theirs.is_loopback) and (ours is None or ours.is_loopback))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is this machine's own: loopback, wildcard, or any interface's.

    A packet to an address of ours would be sent from that address. (Whether it can be bound says less: a gateway may
    allow addresses to be bound that it does not have yet.)
    """
    if address.is_loopback or address.is_unspecified:
        return True
    with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), _DISCARD))  # nothing is sent
        except OSError:
            return False
        return str(probe.getsockname()[0]).partition("%")[0] == str(address).partition("%")[0]
