"""How far an address reaches: to everybody's internet, or to what only this machine or its network can see.

By IANA's special-purpose registries: https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

type Address = IPv4Address | IPv6Address


class Reach(StrEnum):
    """Kinds of addresses, by what is found there."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"


# Where clouds tell a machine its credentials. AWS, Azure, Google, DigitalOcean and most others share the first.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (IMDS and, beside it, ECS),
# https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16,
# https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata.
_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
        ),
    )
)
# Names of the same, for where somebody else resolves them: a proxy beyond us.
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"})
# Addresses that hold an IPv4 address: NAT64 (RFC 6052) and the old "IPv4-compatible" ones (RFC 4291, section 2.5.5.1)
# in the last four bytes, 6to4 (RFC 3056) after the first two.
_LAST, _6TO4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96")), IPv6Network("2002::/16")
_NONE_HELD = (IPv6Address("::"), IPv6Address("::1"))


def reach_of(address: Address) -> Reach:
    """The kind of an address; one that holds another is of that one's kind."""
    inner = _held(address)
    if inner is not None:
        return reach_of(inner)
    if address in _METADATA:
        return Reach.METADATA
    # The unspecified address leads to this machine as loopback does.
    if address.is_loopback or address.is_unspecified:
        return Reach.LOOPBACK
    if address.is_link_local:
        return Reach.LINK_LOCAL
    is_site = isinstance(address, IPv6Address) and address.is_site_local
    return Reach.PUBLIC if address.is_global and not address.is_multicast and not is_site else Reach.PRIVATE


def address_in(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _held(address: Address) -> IPv4Address | None:
    if not isinstance(address, IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address not in _NONE_HELD and any(address in network for network in _LAST):
        return IPv4Address(address.packed[-4:])
    return IPv4Address(address.packed[2:6]) if address in _6TO4 else None
