"""Patch `hello-bounds`: a TLS client's first message has an end.

Stock collects it until its end, which may be 16 MB away, and reads all of it anew with each piece that comes; one that
is none, it writes into the log whole, and breaks at what comes behind it. Clients say hello in some 2 KB and one piece,
or a few.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.tls import ClientTLSLayer, TLSLayer

from midwatch.lean.patch import Guard, Patch, Replacement

MAX_BYTES = 32 * 1024
MAX_PIECES = 100
_MALFORMED = "Cannot parse ClientHello"
_STOCK = ClientTLSLayer.receive_handshake_data


def receive_handshake_data(
    self: ClientTLSLayer, data: bytes
) -> Generator[commands.Command, Any, tuple[bool, str | None]]:
    """Stand in for `ClientTLSLayer.receive_handshake_data`."""
    done, error = yield from _STOCK(self, data)
    if done or self.client_hello_parsed:
        return done, error
    if error is not None:
        return done, _MALFORMED if error.startswith(_MALFORMED) else error
    pieces = self.__dict__["midwatch_pieces"] = self.__dict__.get("midwatch_pieces", 0) + 1
    if pieces > MAX_PIECES or len(self.recv_buffer) > MAX_BYTES:
        return False, f"{_MALFORMED}: it does not end"
    return done, error


def receive_data(self: ClientTLSLayer, data: bytes) -> Iterator[commands.Command]:
    """Stand in for the inherited `receive_data`: what follows a hello that was refused is for nobody."""
    if self.tls is not None:
        yield from TLSLayer.receive_data(self, data)


HELLO_BOUNDS = Patch(
    name="hello-bounds",
    changes="a ClientHello beyond 32 KB or a hundred pieces ends its connection, and none is logged",
    replacements=(
        Replacement(owner=ClientTLSLayer, name="receive_handshake_data", new=receive_handshake_data),
        Replacement(owner=ClientTLSLayer, name="receive_data", new=receive_data),
    ),
    guards=(
        Guard(owner=TLSLayer, name="receive_data", digest="85c0e6b656c324e5"),
        Guard(owner=ClientTLSLayer, name="receive_handshake_data", digest="a0ee021f92f6d0ff"),
        Guard(owner=ClientTLSLayer, name="on_handshake_error", digest="04a3a2530293d19b"),
    ),
)
