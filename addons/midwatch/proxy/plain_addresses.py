"""The addon that calls an IPv4 client by its IPv4 address, also where it came to a socket for both (`[::]`)."""

from ipaddress import IPv6Address, ip_address
from typing import Any

from mitmproxy import connection


class PlainAddresses:
    """One idea: `::ffff:10.0.0.7` (RFC 4291, section 2.5.5.2) is 10.0.0.7 in each record, count and rule. The first."""

    name = "midwatch_plain_addresses"

    def client_connected(self, client: connection.Client) -> None:
        """A client comes."""
        client.peername, client.sockname = _plain(client.peername), _plain(client.sockname)


def _plain(address: Any) -> Any:
    """A socket's address; IPv4 in IPv6 as what it is."""
    host = address[0] if address else ""
    if not host.startswith("::ffff:"):
        return address
    try:
        found = ip_address(host)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (str(mapped), address[1]) if mapped else address
