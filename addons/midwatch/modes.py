"""mitmproxy's modes as far as listening goes: of which kind one is, and where it listens."""

from dataclasses import dataclass

from midwatch_core.config import Config, split_address
from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import masked

# What mitmproxy opens itself, or needs no listening socket for.
UNBOUND = ("dns", "wireguard", "local", "tun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mode listens; `named` tells that the mode itself says so (`reverse:…@9000`), not `listen`."""

    kind: str
    host: str
    port: int
    named: bool

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(spec: str, listen: str) -> Place:
    """The kind and the place of a mode. Raises ConfigError for an address that is none."""
    head, _, at = spec.rpartition("@")
    named = bool(head) and at.rpartition(":")[2].isdigit()
    kind = (head or at).partition(":")[0].lower()
    try:
        default = split_address(listen)
        own = (at if ":" in at else f"[{default[0]}]:{at}") if named else listen
        host, port = split_address(own)
    except ValueError as error:
        raise ConfigError(f"{'--mode ' + masked(spec) if named else '--listen ' + listen}: {error}") from error
    return Place(kind=kind, host=host, port=port, named=named)


def own_addresses(config: Config) -> list[tuple[str, int]]:
    """Where we listen ourselves: console, `listen`, and the modes that name a place of their own."""
    places = [place_of(spec, config.listen) for spec in config.mode]
    own = [(place.host, place.port) for place in places if place.named and place.kind not in UNBOUND]
    return [split_address(config.listen), split_address(config.console), *own]
