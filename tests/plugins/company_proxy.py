"""A company's forward proxy that asks for credentials and keeps every byte it is told; a receiver behind it, by TLS."""

from __future__ import annotations

import base64
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_WR, create_connection, socket
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer

_LONGEST_S = 30.0


@dataclass
class CompanyProxy:
    """What it was asked for, and all that clients sent it."""

    port: int
    heads: list[str] = field(default_factory=list)
    told: bytearray = field(default_factory=bytearray)

    @property
    def asked(self) -> list[str]:
        """The first line of each request."""
        return [head.partition("\r\n")[0] for head in self.heads]


@dataclass
class Receiver:
    """What a receiver took: paths, headers, bodies."""

    port: int
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextlib.contextmanager
def company_proxy(names: Mapping[str, int], credentials: str) -> Iterator[CompanyProxy]:
    """One that knows names (`HOST:PORT`), each at a port of this machine, and lets in who has `user:password`."""
    right = "proxy-authorization: basic " + base64.b64encode(credentials.encode()).decode()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline(65536)
                if not line:
                    return
                head += line
            made.heads.append(head.decode("latin-1"))
            made.told.extend(head)
            words = head.split()
            port = names.get(words[1].decode(), 0)
            if right.lower() not in head.decode("latin-1").lower():
                self.wfile.write(b"HTTP/1.1 407 Who are you?\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
            elif words[0] != b"CONNECT" or not port:
                self.wfile.write(b"HTTP/1.1 403 Not by me\r\ncontent-length: 0\r\n\r\n")
            else:
                self._relay(port)

        def _relay(self, port: int) -> None:
            with create_connection(("127.0.0.1", port), _LONGEST_S) as server:
                self.wfile.write(b"HTTP/1.1 200 Go on\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, self.connection, None), daemon=True)
                back.start()
                _pump(self.connection, server, made.told)
                back.join(_LONGEST_S)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        made = CompanyProxy(listening.server_address[1])
        with _running(listening):
            yield made


@contextlib.contextmanager
def receiver(certificate: Path, key: Path) -> Iterator[Receiver]:
    """One that takes what is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.taken.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what failed."""

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        made = Receiver(listening.server_address[1])
        with _running(listening):
            yield made


@contextlib.contextmanager
def _running(server: TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _pump(one: socket, other: socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            if kept is not None:
                kept.extend(data)
            other.sendall(data)
        other.shutdown(SHUT_WR)
