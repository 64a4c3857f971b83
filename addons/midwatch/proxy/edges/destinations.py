"""The addon that minds where clients are led: not to this machine, its network or its cloud's metadata service.

Without it, who may use the proxy may use its place in the network (server-side request forgery, CWE-918).
"""

from dataclasses import dataclass
from typing import Any

from mitmproxy import connection, ctx, http
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy.mode_specs import ReverseMode, UpstreamMode

from midwatch.proxy.edges.allowed import REFUSAL, Allowed, said
from midwatch.proxy.edges.guarded_modes import Strictness, strictness_of
from midwatch.proxy.edges.reach import Address, Reach, address_in
from midwatch.proxy.edges.refusing import Refusing
from midwatch.proxy.edges.resolving import current_judge, judge_lookups
from midwatch_core.config import Config
from midwatch_core.wire.catalogue import Catalogue

# mitmproxy, and `connecting`, have said so.
_BACK = "was to be led back to Midwatch itself"


class Destinations:
    """One idea: what is connected to is judged when its address is known, and once. After `connecting` and `admitting`.

    A host that says itself where it leads is refused with a 403 before anything is opened; a name when it is resolved.
    """

    name = "midwatch_destinations"

    def __init__(self, config: Config, catalogue: Catalogue, refusing: Refusing) -> None:
        """Raises ConfigError, as `Allowed` does."""
        self._refusing = refusing
        self._listen = config.listen
        self.follow(config, catalogue)

    def follow(self, config: Config, catalogue: Catalogue) -> None:
        """From the next connection on, go by these. Raises ConfigError."""
        self._allowed = Allowed(config, catalogue)
        self._settings = config.destinations
        self._strictness: dict[str, Strictness] = {}

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel is asked for."""
        if flow.response is None and (objection := self._objection_to(flow)):
            flow.response = self._refusing.answer(objection)

    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        """A tunnel could not be opened: a refusal of ours is said as one."""
        error = flow.server_conn.error
        if error is not None and error.startswith(REFUSAL) and flow.response is not None:
            flow.response = self._refusing.answer(error)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A plain request says where it goes; one inside a tunnel goes where that leads."""
        open_still = flow.response is None and flow.error is None
        if open_still and flow.request.scheme == "http" and (objection := self._objection_to(flow)):
            self._refusing.deny(flow, objection)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection to a server is about to be made, by this task."""
        address = data.server.address
        judge_lookups(None)
        if data.server.error is not None:
            self._refusing.count("destination_self", data.client, _BACK)
            return
        if address is None:
            return
        host, port = address[:2]
        strictness = self._strictness_of(data.client)
        if strictness is Strictness.NONE or self._allowed.names(host, port) or _is_mode_s_own(data.client, host, port):
            return
        private = strictness is Strictness.ALL
        reach = self._allowed.objection_to_host(host, port, private=private)
        if reach is not None:
            data.server.error = self._refused(data.client, host, reach)
        else:
            judge_lookups(_Judge(self._allowed, host, port, private))

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """It is made. Where its name was not resolved before our eyes, not a byte is sent to who must not be met."""
        judge = current_judge()
        judge_lookups(None)
        peer = address_in(str(data.server.peername[0])) if data.server.peername else None
        if isinstance(judge, _Judge) and peer is not None and judge(peer) is not None:
            self._count(data.client, judge)
            _close(data.client, data.server)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        """It could not be made, perhaps because of where it led."""
        judge = current_judge()
        judge_lookups(None)
        if isinstance(judge, _Judge) and (data.server.error or "").startswith(REFUSAL):
            self._count(data.client, judge)

    def _objection_to(self, flow: http.HTTPFlow) -> str | None:
        """Why a request's destination is refused by how it is written."""
        host, port, client = flow.request.host, flow.request.port, flow.client_conn
        strictness = self._strictness_of(client)
        if strictness is Strictness.NONE or isinstance(client.proxy_mode, ReverseMode):
            return None
        reach = self._allowed.objection_to_host(host, port, private=strictness is Strictness.ALL)
        return None if reach is None else self._refused(client, host, reach)

    def _count(self, client: connection.Client, judge: "_Judge") -> None:
        if judge.refused is not None:
            self._refused(client, judge.host, judge.refused)

    def _refused(self, client: connection.Client, host: str, reach: Reach) -> str:
        text = said(host, reach)
        self._refusing.count(f"destination_{reach}", client, text)
        return text

    def _strictness_of(self, client: connection.Client) -> Strictness:
        spec = client.proxy_mode.full_spec
        found = self._strictness.get(spec)
        if found is None:
            found = self._strictness[spec] = strictness_of(spec, self._listen, self._settings)
        return found


@dataclass(slots=True)
class _Judge:
    """Judges the addresses of one connection, and remembers the last that it refused."""

    allowed: Allowed
    host: str
    port: int
    private: bool
    refused: Reach | None = None

    def __call__(self, address: Address) -> str | None:
        reach = self.allowed.objection(self.host, self.port, address, private=self.private)
        if reach is None:
            return None
        self.refused = reach
        return said(self.host, reach)


def _is_mode_s_own(client: connection.Client, host: str, port: int) -> bool:
    """Whether it is the server that the client's mode is for: of a reverse proxy, or the proxy beyond this one."""
    mode = client.proxy_mode
    return isinstance(mode, ReverseMode | UpstreamMode) and tuple(mode.address[:2]) == (host, port)


def _close(client: connection.Client, server: connection.Server) -> None:
    """Close a connection that was just made: mitmproxy sends nothing on one that is closing."""
    proxyserver: Any = ctx.master.addons.get("proxyserver")
    handler = proxyserver.connections.get(client.id)
    io = handler.transports.get(server) if handler is not None else None
    if io is not None and io.writer is not None:
        io.writer.close()
