"""The inode of a TCP socket of this machine, by both its addresses: asked of the kernel, else read in /proc/net.

Source: https://man7.org/linux/man-pages/man7/sock_diag.7.html. The kernel answers for one socket in microseconds;
/proc/net/tcp lists them all, which takes it milliseconds (15 on a large machine): that is read only where the kernel
can't be asked.
"""

import socket
import struct
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from midwatch.proxy.inventory.proc_files import read_text

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_ANY = 0xFFFFFFFF
# struct nlmsghdr; struct inet_diag_req_v2 up to its id; struct inet_diag_sockid.
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")
_ID = struct.Struct("!HH16s16s12s")
# In struct inet_diag_msg the inode comes last, behind four bytes, the id, and four numbers.
_INODE = struct.Struct("=I")
_INODE_AT = _HEADER.size + 4 + _ID.size + 16
_TIMEOUT_S = 0.1

_MAX_TABLE = 16 * 1024 * 1024
_MAX_LINE = 200

type Address = tuple[str, int]


def inode_of(proc: Path, own: Address, remote: Address, *, ask: bool) -> str | None:
    """The inode of the socket bound to `own` and connected to `remote`; None where there is none that we may see.

    A client with an IPv6 socket may have come by IPv4. Raises OSError for addresses that are none.
    """
    pairs = [(own, remote)]
    if ":" not in own[0]:
        pairs.append(((f"::ffff:{own[0]}", own[1]), (f"::ffff:{remote[0]}", remote[1])))
    if ask and _answers():
        return next((inode for pair in pairs if (inode := _asked(*pair))), None)
    return _listed(proc, pairs)


@cache
def _answers() -> bool:
    """Whether the kernel knows its TCP sockets by this way: it is asked for one that is there.

    A sandbox may not have the protocol, a kernel not its part for TCP; the latter says the same as of a socket that is
    gone: no such file.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return _asked(server.getsockname(), ("0.0.0.0", 0)) is not None  # noqa: S104  # no peer yet
    except OSError:
        return False


def _asked(own: Address, remote: Address) -> str | None:
    """The kernel's answer; None where it knows no such socket, or nobody has it any more, or it gives no answer."""
    family = _family(own)
    words = (_packed(own, family), _packed(remote, family), _INODE.pack(0) + b"\xff" * 8)
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _ANY) + _ID.pack(own[1], remote[1], *words)
    message = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_TIMEOUT_S)
            kernel.sendto(message, (0, 0))
            answer = kernel.recv(4096)
    except (OSError, AttributeError):  # another system has no netlink
        return None
    if len(answer) < _INODE_AT + _INODE.size or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None
    inode = _INODE.unpack_from(answer, _INODE_AT)[0]
    return str(inode) if inode else None


def _listed(proc: Path, pairs: Iterable[tuple[Address, Address]]) -> str | None:
    """The inode in the kernel's tables: of each socket a line."""
    for own, remote in pairs:
        family = _family(own)
        wanted = f" {_hex(own, family)} {_hex(remote, family)} "
        table = read_text(proc / "net" / ("tcp6" if family == socket.AF_INET6 else "tcp"), _MAX_TABLE)
        at = table.find(wanted)
        # After the addresses: state, queues, timer, retransmits, uid, timeout, inode.
        fields = table[at + len(wanted) : at + len(wanted) + _MAX_LINE].split(None, 7) if at >= 0 else []
        if len(fields) > 6:
            return None if fields[6] == "0" else fields[6]
    return None


def _family(address: Address) -> int:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def _packed(address: Address, family: int) -> bytes:
    return socket.inet_pton(family, address[0].partition("%")[0])


def _hex(address: Address, family: int) -> str:
    """As the kernel prints it: the address in words of four bytes of the machine's order, the port as a number."""
    packed = _packed(address, family)
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return f"{''.join(f'{word:08X}' for word in words)}:{address[1]:04X}"
