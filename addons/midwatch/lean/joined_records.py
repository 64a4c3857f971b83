"""Patch `joined-records`: what one event makes a TLS connection send is encrypted at once, not head and body apart.

Stock encrypts each piece as a record of its own and asks OpenSSL twice for the ciphertext: once to get it, once to be
refused by an exception. As in `joined-writes`, nothing is held beyond the event that caused it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.tls import TLSLayer
from mitmproxy.proxy.tunnel import TunnelLayer, TunnelState
from OpenSSL import SSL

from midwatch.lean.joined_writes import JOIN_LIMIT
from midwatch.lean.patch import Guard, Patch, Replacement

_READ_BYTES = 65_535

_one_by_one = TunnelLayer.event_to_child


def event_to_child(self: TLSLayer, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for the inherited `event_to_child`: the same commands, with runs of `SendData` encrypted together."""
    if self.is_dtls or (self.tunnel_state is TunnelState.ESTABLISHING and not self.command_to_reply_to):
        yield from _one_by_one(self, event)  # a datagram each; or the handshake is not done and the event waits
        return
    held: list[bytes] = []
    for command in self.child_layer.handle_event(event):
        if type(command) is commands.SendData and command.connection is self.conn:
            held.append(command.data)
            if sum(map(len, held)) > JOIN_LIMIT:
                yield from _send(self, held)
        elif type(command) is commands.Log:
            yield command  # stock logs between head and body of a streamed response
        else:
            yield from _send(self, held)
            yield from self._handle_command(command)
    yield from _send(self, held)


def _send(layer: TLSLayer, held: list[bytes]) -> Iterator[commands.Command]:
    """Encrypt and clear what is held."""
    if held:
        data = b"".join(held)
        held.clear()
        yield from layer.send_data(data)


def tls_interact(self: TLSLayer) -> Iterator[commands.Command]:
    """Stand in for `TLSLayer.tls_interact`: less than was asked for is all there is."""
    size = _READ_BYTES
    while size == _READ_BYTES:
        try:
            data = self.tls.bio_read(_READ_BYTES)
        except SSL.WantReadError:
            return
        size = len(data)
        yield commands.SendData(self.conn, data)


JOINED_RECORDS = Patch(
    name="joined-records",
    changes="all that one event sends on a TLS connection is encrypted together",
    replacements=(
        Replacement(owner=TLSLayer, name="event_to_child", new=event_to_child),
        Replacement(owner=TLSLayer, name="tls_interact", new=tls_interact),
    ),
    guards=(
        Guard(owner=TunnelLayer, name="event_to_child", digest="119a33642637d420"),
        Guard(owner=TunnelLayer, name="_handle_command", digest="11ede598b3b37965"),
        Guard(owner=TLSLayer, name="send_data", digest="35a29a1b0b0cb184"),
        Guard(owner=TLSLayer, name="tls_interact", digest="62d6d57d43dd1a2e"),
    ),
)
