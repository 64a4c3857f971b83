"""The addon that ends a loop of a transparent proxy: its own connections to servers, redirected back to it.

Rules that redirect this machine's own traffic must leave the proxy's out (`docker/gateway/redirect --user`). Where they
do not, each connection would bring the next one, until nothing is left to open it with.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from mitmproxy import connection
from mitmproxy.proxy.mode_specs import TransparentMode

from midwatch.proxy.connecting import is_here
from midwatch.proxy.inventory.proc_files import read_text
from midwatch.proxy.inventory.socket_inode import inode_of

_PROC = Path("/proc")
# What the supervisor starts a worker by.
_WORKER = "midwatch.proxy.worker"


class OwnTraffic:
    """One idea: a client of a transparent listener that is one of our own processes is refused."""

    name = "midwatch_own_traffic"

    def client_connected(self, client: connection.Client) -> None:
        """A client comes; what it wanted before it was redirected is known by now (Linux)."""
        if isinstance(client.proxy_mode, TransparentMode) and _is_ours(client):
            client.error = "Midwatch will not be its own client."


def _is_ours(client: connection.Client) -> bool:
    """Whether the other end is a socket of this worker or of another one of the same supervisor.

    Who comes from elsewhere, which at a gateway is nearly everybody, costs one look at the routes.
    """
    peer, wanted = client.peername, client.sockname
    if not peer or not wanted:
        return False
    try:
        if not is_here(ip_address(peer[0])):
            return False
        inode = inode_of(_PROC, peer[:2], wanted[:2], ask=True)
    except (OSError, ValueError):
        return False
    return inode is not None and any(_holds(pid, f"socket:[{inode}]") for pid in _workers())


def _workers() -> Iterator[int]:
    """This process, and the supervisor's other workers."""
    yield os.getpid()
    parent = os.getppid()
    if parent > 1:
        for word in read_text(_PROC / str(parent) / "task" / str(parent) / "children").split():
            if _WORKER in read_text(_PROC / word / "cmdline").split("\0"):
                yield int(word)


def _holds(pid: int, link: str) -> bool:
    """Whether a process has this socket open."""
    with suppress(OSError), os.scandir(_PROC / str(pid) / "fd") as entries:
        return any(_link(entry.path) == link for entry in entries)
    return False


def _link(path: str) -> str:
    with suppress(OSError):
        return os.readlink(path)  # noqa: PTH115  # thousands of them: a Path each would take longer than the looking
    return ""
