"""Settings of the way to servers: a forward proxy of the company's before them, and certificates that they ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from midwatch_core.access.networks import Network, network_of
from midwatch_core.errors import ConfigError
from midwatch_core.section import Section

PROXY_KEY = "upstream.proxy"
_PORTS = {"http": 80, "https": 443}
_RIGHT = "a proxy is http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host where it asks who comes"
# A server's name is a file's name where its certificate is kept (`HOST.pem`).
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:")


class UpstreamSettings(Section):
    """How connections to servers are made."""

    proxy: str | None = Field(
        None,
        description="URL of a forward proxy that every connection to a server goes through, http:// or https://, and "
        "Midwatch's own requests by https:// too; its password as ${VARIABLE} or ${file:PATH}.",
    )
    direct: tuple[str, ...] = Field(
        (),
        description="Hosts that are reached without that proxy: names, `*.` and a name, addresses, CIDR ranges. "
        "Loopback and what `connect_to` leads elsewhere are always.",
    )
    client_certificates: Path | Mapping[str, Path] | None = Field(
        None,
        description="Certificates for servers that ask for one, each a PEM file of key and chain: by server name, or a "
        "folder of NAME.pem files.",
    )

    @field_validator("direct")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            _pattern_of(text)
        return value

    @field_validator("client_certificates")
    @classmethod
    def _names(cls, value: Path | Mapping[str, Path] | None) -> Path | Mapping[str, Path] | None:
        if isinstance(value, Mapping) and (wrong := [name for name in value if not _NAME.issuperset(name) or not name]):
            raise ValueError(f"{wrong[0]!r} is no name of a server: lower case, without a wildcard")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardProxy:
    """A forward proxy: how it is reached, and `user:password` for it, which no message shows."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "ForwardProxy":
        """The proxy of a URL whose references are filled in. Raises ConfigError, without any part of the URL."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise ConfigError(f"{PROXY_KEY}: {_RIGHT}") from error
        if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ConfigError(f"{PROXY_KEY}: {_RIGHT}")
        credentials = None
        if parts.username:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        return cls(scheme=scheme, host=host, port=port or _PORTS[scheme], credentials=credentials)


class DirectHosts:
    """Which hosts are reached directly, by the setting `upstream.direct`; loopback always is."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        """Raises ValueError for what is neither a name nor a range."""
        found = [_pattern_of(text) for text in patterns]
        self._networks = [item for item in found if not isinstance(item, str)]
        self._names = frozenset(item for item in found if isinstance(item, str) and not item.startswith("*"))
        self._endings = tuple(item[1:] for item in found if isinstance(item, str) and item.startswith("*"))

    def __contains__(self, host: str) -> bool:
        """Whether a host, by name or address, is reached directly."""
        name = host.lower().rstrip(".")
        try:
            address = ip_address(name)
        except ValueError:
            own = name == "localhost" or name.endswith(".localhost")
            return own or name in self._names or name.endswith(self._endings)
        return address.is_loopback or any(address in network for network in self._networks)


def _pattern_of(text: str) -> str | Network:
    """A range, or a name with or without a wildcard. Raises ValueError."""
    try:
        return network_of(text)
    except ValueError:
        pass
    name = text.lower().rstrip(".")
    bare = name.removeprefix("*.")
    if not bare or not _NAME.issuperset(bare) or ":" in bare or bare.replace(".", "").isdecimal():
        raise ValueError(f"{text!r} is no host: give a name, `*.` and a name, an address or a CIDR range")
    return name
