"""What kind an address is, however it is written."""

from __future__ import annotations

import pytest
from mitmproxy.test import tflow

from midwatch.proxy.edges.reach import Reach, address_in, reach_of
from midwatch.proxy.edges.refusing import address_of


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("2606:4700::1111", Reach.PUBLIC),
        ("64:ff9b::808:808", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.31.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("fd12:3456::1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("224.0.0.1", Reach.PRIVATE),
        ("ff0e::1", Reach.PRIVATE),
        ("255.255.255.255", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("0.0.0.0", Reach.LOOPBACK),
        ("::", Reach.LOOPBACK),
        ("[::1]", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("::127.0.0.1", Reach.LOOPBACK),
        ("64:ff9b::7f00:1", Reach.LOOPBACK),
        ("2002:7f00:1::", Reach.LOOPBACK),
        ("169.254.1.1", Reach.LINK_LOCAL),
        ("fe80::1%eth0", Reach.LINK_LOCAL),
        ("169.254.169.254", Reach.METADATA),
        ("::ffff:169.254.169.254", Reach.METADATA),
        ("64:ff9b::a9fe:a9fe", Reach.METADATA),
        ("fd00:ec2::254", Reach.METADATA),
        ("168.63.129.16", Reach.METADATA),
    ],
)
def test_an_address_is_of_one_kind(host: str, reach: Reach) -> None:
    address = address_in(host)
    assert address is not None
    assert reach_of(address) is reach


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "", "a b", "1.2.3.4.5", "\0"])
def test_what_is_no_address_is_a_name_for_the_resolver(host: str) -> None:
    assert address_in(host) is None


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        (("10.1.2.3", 5000), "10.1.2.3"),
        (("::ffff:10.1.2.3", 5000, 0, 0), "10.1.2.3"),
        (("2001:db8:1:2:3:4:5:6", 5000, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::", 5000, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::/64"),
        (None, ""),
    ],
)
def test_a_client_is_counted_by_what_one_host_is_given(peer: tuple[object, ...] | None, counted: str) -> None:
    client = tflow.tclient_conn()
    client.peername = peer  # type: ignore[assignment]  # as the kernel says it
    assert address_of(client) == counted
