"""Inodes of sockets: the kernel's own answer and its table agree, by IPv4, by IPv6, and by one in the other."""

import socket
from pathlib import Path

import pytest

from midwatch.proxy.inventory.socket_inode import inode_of

PROC = Path("/proc")


@pytest.mark.parametrize(
    ("family", "host", "seen"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::ffff:127.0.0.1", "127.0.0.1"),
    ],
    ids=["IPv4", "IPv6", "IPv4 by an IPv6 socket"],
)
def test_the_kernel_and_its_table_say_the_same(family: int, host: str, seen: str) -> None:
    if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():  # no such socket can be, and none is found
        assert inode_of(PROC, (seen, 1), (seen, 2), ask=True) is None
        return
    with (
        socket.create_server((seen, 0), family=socket.AF_INET6 if ":" in seen else socket.AF_INET) as server,
        socket.socket(family) as client,
    ):
        client.connect((host, server.getsockname()[1]))
        accepted, peer = server.accept()
        with accepted:
            own, remote = (seen, peer[1]), (seen, server.getsockname()[1])
            for ask in (True, False):
                assert inode_of(PROC, own, remote, ask=ask) == _inode(client)


def _inode(client: socket.socket) -> str | None:
    """As Linux names our own file; elsewhere nothing is known."""
    link = PROC / "self" / "fd" / str(client.fileno())
    return link.readlink().name.removeprefix("socket:[").removesuffix("]") if link.is_symlink() else None


def test_the_table_of_all_sockets_is_not_read_where_the_kernel_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    line = "   0: 0100007F:0001 0100007F:0002 01 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
    (tmp_path / "net" / "tcp").write_text(line)
    pair = ("127.0.0.1", 1), ("127.0.0.1", 2)
    assert inode_of(tmp_path, *pair, ask=False) == "4711"
    assert inode_of(tmp_path, *pair, ask=True) == (None if _kernel_knows_a_socket() else "4711")


def _kernel_knows_a_socket() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        nowhere = Path("/nowhere")  # no table to read instead
        return inode_of(nowhere, client.getsockname(), server.getsockname(), ask=True) is not None


def test_a_socket_that_is_not_there_has_none() -> None:
    for ask in (True, False):
        assert inode_of(PROC, ("127.0.0.1", 1), ("127.0.0.1", 2), ask=ask) is None


def test_what_is_no_address_is_refused() -> None:
    for ask in (True, False):
        with pytest.raises(OSError, match="illegal"):
            inode_of(PROC, ("nonsense", 1), ("127.0.0.1", 2), ask=ask)
