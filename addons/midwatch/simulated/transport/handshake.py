"""The handshake of a WebSocket (RFC 6455, section 4), with permessage-deflate (RFC 7692) where the client offers it."""

from __future__ import annotations

import base64
import hashlib

from wsproto.extensions import PerMessageDeflate

from midwatch.simulated.service import RawRequest

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def wants_socket(raw: RawRequest) -> bool:
    """Whether a request asks for a WebSocket."""
    return raw.method == "GET" and raw.fields.get("upgrade", "").lower() == "websocket"


def accept_socket(raw: RawRequest) -> tuple[bytes, PerMessageDeflate | None]:
    """The head of the answer, and the extension that it agrees to."""
    key = raw.fields.get("sec-websocket-key", "").encode()
    digest = hashlib.sha1(key + _GUID).digest()  # noqa: S324  # what RFC 6455 wants; it protects nothing
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-accept: {base64.b64encode(digest).decode()}",
    ]
    deflate, agreed = _agree(raw.fields.get("sec-websocket-extensions", ""))
    if deflate is not None:
        lines.append(f"sec-websocket-extensions: {agreed}")
    if wanted := raw.fields.get("sec-websocket-protocol"):
        lines.append(f"sec-websocket-protocol: {wanted.partition(',')[0].strip()}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), deflate


def _agree(offers: str) -> tuple[PerMessageDeflate | None, str]:
    for offer in (offer.strip() for offer in offers.split(",")):
        if offer.partition(";")[0].strip() == PerMessageDeflate.name:
            deflate = PerMessageDeflate()
            terms = deflate.accept(offer)
            return deflate, f"{deflate.name}; {terms}" if terms else deflate.name
    return None, ""
