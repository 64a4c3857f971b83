"""UDP to port 443, as HTTP/3 begins: a server that answers, and a client that says what became of its first packet.

python gateway_udp.py serve            until it is ended
python gateway_udp.py ask ADDRESS      prints `answered`, `refused at once` or `no answer`
"""

import selectors
import socket
import sys
import time

_PORT = 443
# What is refused is so within a round trip; nothing that merely gives up is as quick.
_AT_ONCE_S = 1.0
_WAIT_S = 5.0


def serve() -> None:
    """Send each packet back, by IPv4 and IPv6."""
    ready = selectors.DefaultSelector()
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, _PORT))
        ready.register(sock, selectors.EVENT_READ, sock)
    print("ready", flush=True)
    while True:
        for key, _ in ready.select():
            data, sender = key.data.recvfrom(2048)
            key.data.sendto(data, sender)


def ask(address: str) -> str:
    """What becomes of a packet: a client that is told at once falls back to TCP at once."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_WAIT_S)
        sock.connect((address, _PORT))
        begin_s = time.monotonic()
        try:
            sock.send(b"\xc0\x00\x00\x00\x01" + bytes(1195))  # the shape of a QUIC Initial (RFC 9000, section 17.2.2)
            sock.recv(2048)
        except (ConnectionRefusedError, PermissionError):  # by an ICMP message; by this machine's own rules
            return "refused at once" if time.monotonic() - begin_s < _AT_ONCE_S else "refused late"
        except TimeoutError:
            return "no answer"
        return "answered"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    print(ask(sys.argv[2]))
