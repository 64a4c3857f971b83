"""How strictly destinations are guarded in each of mitmproxy's modes, by who reaches it."""

from collections.abc import Callable
from enum import IntEnum

from midwatch.modes import place_of
from midwatch.open_relay import addresses_of, is_private
from midwatch_core.destination_settings import DestinationSettings
from midwatch_core.errors import ConfigError


class Strictness(IntEnum):
    """Which destinations are refused."""

    NONE = 0
    OWN = 1
    """What is this machine's alone: loopback, link-local and metadata addresses."""
    ALL = 2
    """Those, and private addresses."""


# Here a client says where it wants to go. (To the rest, routing or the operator says it.)
_ASKED = frozenset({"regular", "upstream", "socks5"})
# Here the client's own routes have led it to us: what is private it may reach without us too.
_ROUTED = frozenset({"transparent", "wireguard"})


def strictness_of(
    spec: str, listen: str, settings: DestinationSettings, resolve: Callable[[str], list[str]] = addresses_of
) -> Strictness:
    """The strictness for clients of a mode. `listen` is HOST:PORT, for a mode that names no place of its own."""
    if settings.private != "auto":
        return Strictness.ALL if settings.private == "refuse" else Strictness.NONE
    try:
        place = place_of(spec, listen)
        if place.kind in _ROUTED:
            return Strictness.OWN
        nobody_else = place.kind not in _ASKED or is_private(place, spec, resolve)
    except ConfigError:
        nobody_else = False  # a name of no address: nobody knows who comes there
    return Strictness.NONE if nobody_else else Strictness.ALL
