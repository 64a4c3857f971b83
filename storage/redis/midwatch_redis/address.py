"""Where a server is, read from its URL."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from midwatch_core import ConfigError

_PORT = 6379
_PREFIX = "midwatch:"
# Braces would be read as a cluster's hash tag, before the tenant's.
_PREFIXES = re.compile(r"[^{}\s]{0,64}")
_RIGHT = "write redis://user:password@host:port/db?prefix=words:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server, how to log in, and the prefix of all our keys there. `ca` is a file of authorities to trust."""

    host: str
    port: int = _PORT
    db: int = 0
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str = _PREFIX
    ca: str | None = None

    def __str__(self) -> str:
        """For messages: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.db}"


def parse(url: str) -> Address:
    """The address in a URL. Raises ConfigError with what would be right; the message holds nothing of the login."""
    scheme = url.partition(":")[0]
    try:
        parts = urlsplit(url)
        port = parts.port
        words = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise ConfigError(f"{scheme}://…: the port or the part after ? can't be read; {_RIGHT}") from error
    if not parts.hostname or parts.fragment:
        raise ConfigError(f"{scheme}://…: it names no host; {_RIGHT}, with %23 for # and %2F for / in a password")
    tls = scheme in ("rediss", "valkeys")
    address = Address(
        host=parts.hostname,
        port=_PORT if port is None else port,
        db=_db(scheme, parts),
        tls=tls,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        prefix=words.pop("prefix", _PREFIX),
        ca=words.pop("ca", None) if tls else None,
    )
    if words:
        raise ConfigError(f"{address}: unknown option {min(words)[:40]!r}; known are prefix, and ca with TLS")
    if not _PREFIXES.fullmatch(address.prefix):
        raise ConfigError(f"{address}: a prefix has at most 64 characters, no blanks and no braces")
    return address


def _db(scheme: str, parts: SplitResult) -> int:
    number = parts.path.strip("/") or "0"
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise ConfigError(f"{scheme}://{parts.hostname}: what follows the host is the number of a database; {_RIGHT}")
    return int(number)
