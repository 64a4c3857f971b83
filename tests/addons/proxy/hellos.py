"""Real first messages of TLS clients, and the addons' view of a client that sends them."""

import contextlib
import ssl
from collections.abc import Callable
from typing import Any

from mitmproxy import connection, options, tls
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import context
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.test import tflow
from OpenSSL import SSL


def hello_of(host: str | None, change: Callable[[ssl.SSLContext], Any] | None = None) -> tls.ClientHello:
    """What Python's TLS says first to a host, set up by `change`."""
    trust = ssl.create_default_context()
    trust.check_hostname = False
    if change is not None:
        change(trust)
    sent = ssl.MemoryBIO()
    client = trust.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    data = sent.read()
    assert starts_like_tls_record(data)
    hello = parse_client_hello(data)
    assert hello is not None
    return hello


def begin(
    hello: tls.ClientHello, *, address: str = "10.0.0.7", port: int = 5000, server: tuple[str, int] | None = None
) -> tls.ClientHelloData:
    """A client of this address has begun TLS."""
    client = tflow.tclient_conn()
    client.id = f"{address}:{port}"
    client.peername, client.sockname = (address, port), ("10.0.0.1", 8080)
    made = context.Context(client, options.Options())
    made.server = connection.Server(address=server or ("203.0.113.1", 443))
    return tls.ClientHelloData(made, hello)


HUNG_UP = (
    "The client disconnected during the handshake. If this happens consistently for api.openai.com, this may indicate "
    "that the client does not trust the proxy's certificate."
)


def end(data: tls.ClientHelloData, error: str | None = None, *, answered: bool = True) -> tls.TlsData:
    """Its handshake, which went well or failed, after we had `answered` or before."""
    client = data.context.client
    client.error = error
    return tls.TlsData(client, data.context, SSL.Connection(SSL.Context(SSL.TLS_METHOD)) if answered else None)
