"""Which Host headers the console answers to: the defence against DNS rebinding."""

from dataclasses import dataclass
from ipaddress import ip_address

from midwatch_core.config import split_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostnames:
    """The names a console may be called by.

    A page elsewhere can make its own name resolve to 127.0.0.1 and then read what listens there; its requests still
    carry its name. So a console bound to loopback answers to `localhost`, to addresses (which nobody can rebind) and
    to the name it was configured with. Bound to another address its names can't be known, and all are taken.
    """

    configured: str
    loopback: bool

    @classmethod
    def of_console(cls, address: str) -> "Hostnames":
        """For a console listening on `address` (HOST:PORT)."""
        name = split_address(address)[0].lower()
        return cls(configured=name, loopback=_is_localhost(name) or _is_loopback_address(name))

    def allows(self, header: str | None) -> bool:
        """Whether a request with this Host header is answered. One without is from no browser."""
        if header is None or not self.loopback:
            return True
        name = _name_of(header)
        return name == self.configured or _is_localhost(name) or _is_address(name)


def _name_of(header: str) -> str:
    """The header without its port: `[::1]:8082` and `::1` give `::1`."""
    value = header.strip().lower()
    if value.startswith("["):
        return value[1:].partition("]")[0]
    name, colon, port = value.rpartition(":")
    return (name if colon and port.isdigit() and ":" not in name else value).rstrip(".")


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _is_loopback_address(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
