"""The proxy is never an open relay: where anybody could reach it, it asks who comes, or does not start."""

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address

from midwatch.modes import Place, place_of
from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import masked

# These go wherever the client says, and so must know who comes. `transparent` is among them: only routing decides who
# comes there, and it may change unseen; its clients know of no proxy, so a tenant is best told by its networks.
_RELAYS = {
    "regular": "give out keys (`keys create`)",
    "upstream": "give out keys (`keys create`)",
    "transparent": "give tenants their networks",
}
# Not to be opened at all: SOCKS has no place for our keys, and a DNS server answers whoever asks.
_CLOSED = {
    "socks5": "SOCKS clients can't show a Midwatch key",
    "dns": "a DNS server can't ask who comes",
}
# The rest is none: `reverse` has one destination, `wireguard` knows its peers by their keys, `local` and `tun` are
# the machine's own.


def addresses_of(host: str) -> list[str]:
    """All addresses a name stands for. Raises OSError or UnicodeError where it stands for none."""
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def refuse_open_relay(
    modes: Iterable[str], listen: str, *, required: bool, resolve: Callable[[str], list[str]] = addresses_of
) -> None:
    """Raises ConfigError where a mode would relay for strangers. `required` is the setting `identity.required`.

    `listen` is HOST:PORT. A name counts as every address it stands for.
    """
    for spec in modes:
        place = place_of(spec, listen)
        what = f"--mode {masked(spec)}" if place.named else f"--listen {listen}"
        if place.kind not in {*_RELAYS, *_CLOSED} or is_private(place, what, resolve):
            continue
        if place.kind in _CLOSED:
            raise ConfigError(f"{what}: {_CLOSED[place.kind]}; let {place.kind} listen on 127.0.0.1 only")
        if not required:
            raise ConfigError(
                f"{what}: anybody who reaches this address could use the proxy; set identity.required: true"
                f" and {_RELAYS[place.kind]}, or listen on 127.0.0.1"
            )


def is_private(place: Place, what: str, resolve: Callable[[str], list[str]] = addresses_of) -> bool:
    """Whether only this machine reaches the place. Raises ConfigError for a name that stands for no address.

    `what` names the place in the error.
    """
    try:
        return _is_loopback(place.host)
    except ValueError:
        pass
    try:
        return all(_is_loopback(address) for address in resolve(place.host))
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{what}: no name of a host; choose another HOST:PORT") from error


def _is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone. Raises ValueError for what is no address."""
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
