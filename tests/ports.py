"""Ports for programs that must be told one, where port 0 does not do."""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# What the kernel takes connections' own ports from, where it does not tell.
_EPHEMERAL = 32768
_LOWEST = 20000


def free_port() -> int:
    """A loopback port nobody listens on, from below those the kernel gives to connections.

    One that the kernel gave (port 0) may have become the own port of another test's connection by the time the program
    that was told it has started, and then it cannot listen there.
    """
    first_ephemeral = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _EPHEMERAL
    for port in random.SystemRandom().sample(range(_LOWEST, max(first_ephemeral, _LOWEST + 1000)), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port below the kernel's own")
