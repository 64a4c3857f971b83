"""A hostile name server, and a web server at all addresses of a network namespace: a program that runs in one, as root.

A name says where it leads: `x.127-0-0-1.rebind.example` has a public address at its first look-up, and 127.0.0.1 at
each later one. What the web server answers is at which of its addresses it has been met so far, as JSON.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PUBLIC = "20.0.9.9"
_A = 1
_met: set[str] = set()


class Web(ThreadingHTTPServer):
    """Remembers where it was met: also by whom it never heard a word from."""

    def get_request(self) -> tuple[Any, Any]:
        sock, client = super().get_request()
        _met.add(sock.getsockname()[0])
        return sock, client


class Answer(BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self) -> None:
        body = json.dumps(sorted(_met)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def reply(question: bytes, asked: Counter[str]) -> bytes:
    """The answer to a DNS query (RFC 1035, section 4), for no longer than it takes to read it: its TTL is 0."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    name, (kind,) = ".".join(labels).lower(), struct.unpack_from("!H", question, at + 1)
    found = b""
    if kind == _A and name.endswith(".rebind.example"):
        asked[name] += 1
        address = PUBLIC if asked[name] == 1 else labels[1].replace("-", ".")
        found = struct.pack("!HHHIH", 0xC00C, _A, 1, 0, 4) + socket.inet_aton(address)
    return question[:2] + struct.pack("!5H", 0x8580, 1, bool(found), 0, 0) + question[12 : at + 5] + found


def main() -> None:
    """Serve until ended; a line says when."""
    web = Web(("0.0.0.0", 80), Answer)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    asked: Counter[str] = Counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while True:
            question, client = names.recvfrom(512)
            names.sendto(reply(question, asked), client)


if __name__ == "__main__":
    main()
