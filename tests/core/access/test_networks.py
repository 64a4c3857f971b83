"""Networks: the longest prefix wins, whatever the order; what is no address is nobody's."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.access import networks
from midwatch_core.access.networks import Networks, network_of

CLAIMS = [("10.0.0.0/8", "wide"), ("10.1.0.0/16", "narrow"), ("10.1.2.3", "one"), ("2001:db8::/32", "six")]


@pytest.mark.parametrize(
    ("address", "tenant"),
    [
        ("10.9.9.9", "wide"),
        ("10.1.9.9", "narrow"),
        ("10.1.2.3", "one"),
        ("11.0.0.1", None),
        ("2001:db8::1", "six"),
        ("2001:db9::1", None),
        ("::ffff:10.1.2.3", "one"),
        ("fe80::1%eth0", None),
        ("", None),
        ("localhost", None),
        ("10.1.2.3:80", None),
        ("/run/client.sock", None),
    ],
)
def test_whose_an_address_is(address: str, tenant: str | None) -> None:
    for claims in (CLAIMS, CLAIMS[::-1]):
        table = Networks(claims)
        assert table.tenant_of(address) == tenant
        assert table.tenant_of(address) == tenant  # remembered


def test_all_addresses_may_be_claimed() -> None:
    table = Networks([("0.0.0.0/0", "four"), ("::/0", "six")])
    assert (table.tenant_of("255.255.255.255"), table.tenant_of("::1")) == ("four", "six")


def test_of_equal_networks_the_first_stays() -> None:
    assert Networks([("10.0.0.0/8", "a"), ("10.0.0.0/8", "b")]).tenant_of("10.0.0.1") == "a"


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "acme", "10.0.0.0/8/8"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        network_of(text)


def test_no_more_addresses_are_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_REMEMBERED", 10)
    table = Networks(CLAIMS)
    for number in range(100):
        assert table.tenant_of(f"10.1.0.{number}") == "narrow"
        assert len(table._remembered) <= 10


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_it_is_the_longest_prefix_of_all_that_contain_the_address(ranges: list[tuple[int, int]], value: int) -> None:
    claims = [(str(ip_network((base, bits), strict=False)), str(at)) for at, (base, bits) in enumerate(ranges)]
    address = ip_address(value)
    containing = [(network, tenant) for network, tenant in claims if address in ip_network(network)]
    longest = max((ip_network(network).prefixlen for network, _ in containing), default=None)
    expected = next((tenant for network, tenant in containing if ip_network(network).prefixlen == longest), None)
    assert Networks(claims).tenant_of(str(address)) == expected
