"""Which destinations the configuration itself names: those are connected to wherever they lead."""

from ipaddress import ip_network

from midwatch.proxy.edges.reach import METADATA_NAMES, Address, Reach, address_in, reach_of
from midwatch_core.config import Config, split_address
from midwatch_core.secret_text import resolve_secrets
from midwatch_core.upstream_settings import PROXY_KEY, ForwardProxy
from midwatch_core.wire.catalogue import Catalogue, host_names, host_patterns

# How a refusal begins, by which it is known again.
REFUSAL = "Midwatch does not connect to"
_WORDS = {
    Reach.PRIVATE: "a private address",
    Reach.LOOPBACK: "the proxy's own machine",
    Reach.LINK_LOCAL: "a link-local address",
    Reach.METADATA: "a cloud's metadata service",
}


class Allowed:
    """Judges hosts and addresses. Raises ConfigError as it is made, where the forward proxy's secret is missing.

    Hosts of the shipped catalogue may lead to private addresses, as a provider's private endpoint in one's own network
    does, and to no nearer ones.
    """

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        named = [host for provider in config.providers for host in provider.hosts]
        names = [item for item in config.destinations.allow if "/" not in item]
        self._patterns = host_patterns([*named, *config.connect_to, *names])
        self._networks = [ip_network(item) for item in config.destinations.allow if "/" in item]
        self._addresses = frozenset(filter(None, map(address_in, names)))
        self._targets = {*map(split_address, config.connect_to.values()), *_proxies_of(config)}
        self._catalogue = catalogue

    def names(self, host: str, port: int) -> bool:
        """Whether the configuration names this host: it is connected to, wherever that is."""
        if (host, port) in self._targets:
            return True
        return self._patterns is not None and self._patterns.search(host_names(host, port)) is not None

    def objection(self, host: str, port: int, address: Address, *, private: bool) -> Reach | None:
        """Why a host may not lead to this address; None where it may. `private`: private addresses are refused too."""
        reach = reach_of(address)
        if reach is Reach.PUBLIC or (reach is Reach.PRIVATE and not private):
            return None
        if address in self._addresses or any(address in network for network in self._networks):
            return None
        return None if reach is Reach.PRIVATE and self._catalogue.lists(host, port) else reach

    def objection_to_host(self, host: str, port: int, *, private: bool) -> Reach | None:
        """The same for a host as it is written, before it is resolved: an address, or a name that says it all."""
        if self.names(host, port):
            return None
        address = address_in(host)
        if address is not None:
            return self.objection(host, port, address, private=private)
        return Reach.METADATA if host.lower().rstrip(".") in METADATA_NAMES else None


def said(host: str, reach: Reach) -> str:
    """The refusal in words, for the client."""
    return f"{REFUSAL} {host[:255]!r}: it leads to {_WORDS[reach]} (destinations)."


def _proxies_of(config: Config) -> frozenset[tuple[str, int]]:
    if config.upstream.proxy is None:
        return frozenset()
    proxy = ForwardProxy.parse(resolve_secrets(config.upstream.proxy, key=PROXY_KEY))
    return frozenset({(proxy.host, proxy.port)})
