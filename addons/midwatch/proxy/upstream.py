"""The addon that leads connections to servers through a forward proxy of the company's (`upstream`).

It works under every mode: tunnels are opened with CONNECT, by the name that the client wants where one is known, and
plain requests are sent in absolute form (RFC 9112, section 3.2.2), for proxies refuse CONNECT to port 80. What is
reached directly, and what would lead back to ourselves, is left to `connecting`.
"""

import base64
from ipaddress import ip_address

from mitmproxy import ctx, http
from mitmproxy.connection import Server
from mitmproxy.net.http.url import parse_authority
from mitmproxy.net.tls import create_proxy_server_context
from mitmproxy.proxy import commands, layer, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._upstream_proxy import HttpUpstreamProxy
from mitmproxy.proxy.layers.modes import Socks5Proxy, TransparentProxy
from mitmproxy.proxy.layers.tls import HTTP1_ALPNS, ServerTLSLayer
from mitmproxy.proxy.tunnel import LayerStack

from midwatch.home import Home
from midwatch.proxy import bridge
from midwatch.proxy.connecting import WANTED_PORT, Connecting
from midwatch.server_certificates import certificates_folder
from midwatch_core.secret_text import resolve_secrets
from midwatch_core.upstream_settings import PROXY_KEY, DirectHosts, ForwardProxy, UpstreamSettings

_AUTHORIZATION = "proxy-authorization"
# mitmproxy's flow carries under this name that the proxy itself was asked.
_ASKED = "midwatch_asked_upstream"
_PLAIN_PORT = 80


class Upstream:
    """One idea: who is not reached directly is reached through the forward proxy. After `admitting` and `watching`."""

    name = "midwatch_upstream"

    def __init__(self, settings: UpstreamSettings, connecting: Connecting, home: Home) -> None:
        """Raises ConfigError for a proxy's URL that is none, or whose secret is missing."""
        self._connecting = connecting
        self._home = home
        self._read(settings)

    def follow(self, settings: UpstreamSettings) -> None:
        """From the next connection on, go by these; certificates are read anew. Raises ConfigError."""
        before = self._certificates
        self._read(settings)
        create_proxy_server_context.cache_clear()
        gone = {"client_certs": None} if before is not None else {}
        ctx.options.update(**(gone | self.options))

    @property
    def options(self) -> dict[str, object]:
        """mitmproxy's options for it: who asks for a tunnel by name has to wait for the client's first words."""
        options: dict[str, object] = {}
        if self._proxy is not None:
            options["connection_strategy"] = "lazy"
        if self._certificates is not None:
            options["client_certs"] = str(self._certificates)
        return options

    def proxy_for(self, *hosts: str | None, port: int) -> ForwardProxy | None:
        """The proxy on the way to a server that is known by these names; None where it is reached directly."""
        named = [host for host in hosts if host]
        if self._proxy is None or any(host in self._direct or self._connecting.minds(host, port) for host in named):
            return None
        return self._proxy

    def next_layer(self, data: layer.NextLayer) -> None:
        """A client begins to speak to a server: whatever it says may have to go through a tunnel."""
        if self._proxy is not None and data.layer is None and _names_a_server(data.context):
            data.layer = _way(data.context, self, self._proxy)

    def http_connect_upstream(self, flow: http.HTTPFlow) -> None:
        """A tunnel is asked for: by the server's name, which proxies have rules for, and with our credentials."""
        if self._proxy is None or _has_its_own(flow):
            return
        request = flow.request
        name = (flow.client_conn.sni or request.host) if _is_address(request.host) else request.host
        request.authority = request.headers["host"] = f"{_in_url(name)}:{request.port}"
        self._authorize(request, self._proxy)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A decrypted request has a tunnel of its own; a plain one is asked of the proxy."""
        request, server = flow.request, flow.server_conn
        answered = flow.response is not None or flow.error is not None
        if self._proxy is None or _has_its_own(flow) or answered or server.connected:
            return
        proxy = self.proxy_for(bridge.host_of(flow), request.host, port=bridge.port_of(flow))
        server.via = None
        if proxy is None:
            return
        if request.scheme == "http" == proxy.scheme and not bridge.asks_for_socket(flow):
            self._ask(flow, proxy)
        else:
            server.via = (proxy.scheme, (proxy.host, proxy.port))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """An answer: that our credentials are wrong is nothing that the client could mend."""
        if flow.response is not None and flow.response.status_code == 407 and flow.metadata.get(_ASKED):
            flow.response.status_code, flow.response.reason = 502, "Bad Gateway"
            flow.response.headers.pop("proxy-authenticate", None)

    def _ask(self, flow: http.HTTPFlow, proxy: ForwardProxy) -> None:
        """Send a plain request to the proxy with its target whole."""
        request = flow.request
        authority = _authority(request)
        flow.metadata[WANTED_PORT], flow.metadata[_ASKED] = request.port, True
        request.host, request.port = proxy.host, proxy.port
        request.host_header = request.authority = authority
        self._authorize(request, proxy)

    def _authorize(self, request: http.Request, proxy: ForwardProxy) -> None:
        if proxy.credentials is not None:
            request.headers[_AUTHORIZATION] = f"Basic {base64.b64encode(proxy.credentials.encode()).decode()}"

    def _read(self, settings: UpstreamSettings) -> None:
        proxy = None
        if settings.proxy is not None:
            proxy = ForwardProxy.parse(resolve_secrets(settings.proxy, key=PROXY_KEY))
        self._certificates = certificates_folder(self._home, settings.client_certificates)
        self._direct = DirectHosts(settings.direct)
        self._proxy = proxy


class Way(HttpUpstreamProxy):
    """What stands between a client and its server: a tunnel through the proxy, or nothing where that is not wanted.

    Which of them shows as the connection is opened: by then the client has said the server's name.
    """

    def __init__(self, context: Context, upstream: Upstream, proxy: Server) -> None:
        super().__init__(context, proxy, send_connect=True)
        self._upstream = upstream

    def _handle_command(self, command: commands.Command) -> layer.CommandGenerator[None]:
        if isinstance(command, commands.OpenConnection) and command.connection == self.conn:
            address = self.context.server.address
            assert address is not None
            if self._upstream.proxy_for(self.context.client.sni, address[0], port=address[1]) is None:
                self.tunnel_connection, self.send_connect = self.context.server, False
        yield from super()._handle_command(command)


def _way(context: Context, upstream: Upstream, proxy: ForwardProxy) -> layer.Layer:
    """The layers of a tunnel; TLS with the proxy itself comes first, where it wants that."""
    server = Server(address=(proxy.host, proxy.port))
    stack = LayerStack()
    if proxy.scheme == "https":
        server.alpn_offers, server.sni = HTTP1_ALPNS, proxy.host
        stack /= ServerTLSLayer(context, server)
    stack /= Way(context, upstream, server)
    return stack[0]


def _names_a_server(context: Context) -> bool:
    """Whether what a client says from now on is for a server it has named, and no layer has begun to read it."""
    last = context.layers[-1]
    tunnel = isinstance(last, HttpStream) and isinstance(context.client.proxy_mode, mode_specs.RegularMode)
    begins = tunnel or isinstance(last, TransparentProxy | Socks5Proxy)
    return begins and context.server.address is not None and context.client.transport_protocol == "tcp"


def _has_its_own(flow: http.HTTPFlow) -> bool:
    """Whether the mode itself names a proxy (`upstream:URL`)."""
    return isinstance(flow.client_conn.proxy_mode, mode_specs.UpstreamMode)


def _authority(request: http.Request) -> str:
    """The target of a plain request: a client of a transparent proxy says its name in the Host header only.

    What is no name there must not get into a request line of ours.
    """
    host = request.host
    if _is_address(host):
        try:
            host, _ = parse_authority(request.host_header or host, check=True)
        except ValueError:
            host = request.host
    return _in_url(host) if request.port == _PLAIN_PORT else f"{_in_url(host)}:{request.port}"


def _in_url(host: str) -> str:
    """A host as it stands before a port (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
