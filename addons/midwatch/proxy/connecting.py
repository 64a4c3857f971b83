"""The addon that minds connections to servers: addresses given by `connect_to`, and never our own listeners."""

from collections.abc import Iterable, Mapping

from mitmproxy.proxy import server_hooks

from midwatch_core.config import split_address


class Connecting:
    """Redirects addresses as curl's --connect-to does, and refuses loops back into ourselves."""

    name = "midwatch_connecting"

    def __init__(self, connect_to: Mapping[str, str], own: Iterable[tuple[str, int]]) -> None:
        self._connect_to = {key.lower(): split_address(value) for key, value in connect_to.items()}
        self._own_ports = {port for _, port in own}

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A connection to a server is about to be made."""
        address = data.server.address
        if address is None:
            return
        host, port = str(address[0]).lower(), address[1]
        redirected = self._connect_to.get(f"{host}:{port}") or self._connect_to.get(host)
        if redirected is not None:
            data.server.address = redirected
        elif port in self._own_ports and _is_here(host):
            data.server.error = "Midwatch will not connect to itself."


def _is_here(host: str) -> bool:
    """Whether a name or address is this machine's own loopback or wildcard."""
    return host in {"localhost", "::1", "::", "0.0.0.0"} or host.startswith("127.")  # noqa: S104  # compared, not bound
