"""The addon that decides what is decrypted: hosts of the catalogue, and those the user chose. Privacy by default."""

from typing import Any, Literal

from mitmproxy import tls

from midwatch_core.wire.catalogue import Catalogue

type Intercept = Literal["catalogue", "all"] | tuple[str, ...]


class Decrypting:
    """Passes every tunnel through untouched unless its host is one of ours to read."""

    name = "midwatch_decrypting"

    def __init__(self, catalogue: Catalogue, intercept: Intercept) -> None:
        self.follow(catalogue, intercept)

    def follow(self, catalogue: Catalogue, intercept: Intercept) -> None:
        """From the next connection on, go by these."""
        self._catalogue = catalogue
        self._all = intercept == "all"
        self._chosen = frozenset(host.lower() for host in intercept) if isinstance(intercept, tuple) else frozenset()

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A client begins TLS: is its host to be read?"""
        host, port = wanted(data)
        if not self.reads(host, port):
            data.ignore_connection = True

    def reads(self, host: str | None, port: int) -> bool:
        """Whether connections to this host are decrypted."""
        if self._all:
            return True
        if host is None:
            return False
        chosen = host.lower() in self._chosen or f"{host.lower()}:{port}" in self._chosen
        return chosen or self._catalogue.lists(host, port)


def wanted(data: tls.ClientHelloData) -> tuple[str | None, int]:
    """The host and port a client wants: by SNI, else the address it asked for."""
    address: Any = data.context.server.address
    host = data.client_hello.sni or (address[0] if address else None)
    return host, address[1] if address else 443
