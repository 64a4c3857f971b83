"""Clients of a socket for both families: IPv4 is called IPv4."""

from typing import Any

import pytest
from mitmproxy.test import tflow

from midwatch.proxy.plain_addresses import PlainAddresses


@pytest.mark.parametrize(
    ("came", "is_"),
    [
        (("::ffff:10.0.0.7", 5, 0, 0), ("10.0.0.7", 5)),
        (("10.0.0.7", 5), ("10.0.0.7", 5)),
        (("2001:db8::7", 5, 0, 0), ("2001:db8::7", 5, 0, 0)),
        (("::ffff:0:1", 5, 0, 0), ("0.0.0.1", 5)),
        (("::ffff:x", 5, 0, 0), ("::ffff:x", 5, 0, 0)),
        (None, None),
    ],
)
def test_an_address_is_what_it_is(came: Any, is_: Any) -> None:
    client = tflow.tclient_conn()
    client.peername = client.sockname = came
    PlainAddresses().client_connected(client)
    assert (client.peername, client.sockname) == (is_, is_)
