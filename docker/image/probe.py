#!/opt/midwatch/bin/python -IS
"""Asks a Midwatch of this machine whether it does its work: 0 if so, 1 with a word on standard error if not.

    midwatch-probe console [PATH]     its console answers 200 there; /healthz unless another path is given
    midwatch-probe proxy              a proxy process answers

The second is for who sends calls there: the proxy works on while its store is away and its console with it.
`-IS` leaves out what Python imports for programs larger than this one: it runs every few seconds.
"""

import os
import socket
import sys

TIMEOUT_S = 4.0
PLACES = {"console": ("MIDWATCH_CONSOLE", "127.0.0.1:8082"), "proxy": ("MIDWATCH_LISTEN", "127.0.0.1:8080")}
_WILD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where to ask, not where to listen


def place(which: str) -> tuple[str, int]:
    """Where the console or the proxy is asked: where its variable says it listens, on this machine."""
    variable, default = PLACES[which]
    host, _, port = os.environ.get(variable, default).rpartition(":")
    host = host.strip("[]")
    return _WILD.get(host, host), int(port)


def status(at: tuple[str, int], head: str) -> int:
    """The status of the answer to a request. Raises OSError, and ValueError for what is no HTTP."""
    with socket.create_connection(at, TIMEOUT_S) as sock:
        sock.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        version, _, rest = sock.makefile("rb").readline(1024).partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("no HTTP answer")
    return int(rest[:3])


def main(which: str, path: str = "/healthz") -> int:
    """The exit code."""
    # To the proxy a request that says no host: it answers 400 by itself, before anybody is asked for a key or counted.
    head = "GET / HTTP/1.1" if which == "proxy" else f"GET {path} HTTP/1.1\r\nHost: localhost"
    try:
        found = status(place(which), head)
    except (OSError, ValueError) as error:
        print(f"{which}: {error}", file=sys.stderr)
        return 1
    if which == "proxy" or found == 200:
        return 0
    print(f"{which}: {path}: {found}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
