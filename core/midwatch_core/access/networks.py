"""Whose an address is: the longest prefix among the networks that tenants have."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# Addresses whose answer is remembered: an address is parsed once, not at each call.
_REMEMBERED = 4096


def network_of(text: str) -> Network:
    """A CIDR range, or one address. Raises ValueError, also where bits stand beyond the prefix."""
    return ip_network(text)


class Networks:
    """A table of networks and whose they are; of two that are equal, the first stays."""

    def __init__(self, claims: Iterable[tuple[str, str]]) -> None:
        self._tables: dict[tuple[int, int], dict[int, str]] = {}
        for network, tenant in sorted(((network_of(text), tenant) for text, tenant in claims), key=_longest_first):
            table = self._tables.setdefault((network.version, network.prefixlen), {})
            table.setdefault(int(network.network_address), tenant)
        self._remembered: dict[str, str | None] = {}

    def tenant_of(self, address: str) -> str | None:
        """Whose the address is; None where it is nobody's, or no address."""
        if not self._tables:
            return None
        try:
            return self._remembered[address]
        except KeyError:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[address] = self._look_up(address)
            return found

    def _look_up(self, text: str) -> str | None:
        try:
            address = _plain(ip_address(text))
        except ValueError:
            return None
        bits, value = address.max_prefixlen, int(address)
        for (version, prefix), table in self._tables.items():
            if version == address.version:
                tenant = table.get(value >> (bits - prefix) << (bits - prefix))
                if tenant is not None:
                    return tenant
        return None


def _plain(address: Address) -> Address:
    """An IPv4 client of a socket for both has an IPv6 address (RFC 4291, section 2.5.5.2): it is the same client."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _longest_first(claim: tuple[Network, str]) -> int:
    return -claim[0].prefixlen
