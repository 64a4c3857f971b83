"""Where ClickHouse is and how its tables are laid out, as a URL says."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from midwatch_core import ConfigError

_WRITE = "write clickhouse://USER:PASSWORD@HOST:8123/DATABASE (clickhouses:// for TLS)"
_WORDS = ("ca", "cluster", "connect_timeout_s", "proxy", "replicated", "timeout_s", "ttl_days", "verify")
_SWITCH = {"0": False, "1": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A database on a server. With `cluster`, tables are made ON CLUSTER with Distributed ones before them.

    `ttl_days` lets ClickHouse itself drop what is older. `timeout_s` is how long it may be silent in one call. `proxy`
    is a forward proxy before it, with its password.
    """

    host: str
    port: int
    database: str
    user: str = "default"
    password: str = field(default="", repr=False)
    tls: bool = False
    verify: bool = True
    ca: str | None = None
    proxy: str | None = field(default=None, repr=False)
    cluster: str | None = None
    replicated: bool = False
    ttl_days: int | None = None
    connect_timeout_s: float = 5.0
    timeout_s: float = 60.0

    @property
    def shown(self) -> str:
        """The URL without its password, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"clickhouse{'s' if self.tls else ''}://{self.user}@{host}:{self.port}/{self.database}"


def parse_url(url: str) -> Address:
    """The address of a ClickHouse URL. Raises ConfigError with what would be right, and never with the password."""
    parts, port = _split(url)
    words = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = unquote(parts.path.removeprefix("/"))
    if not parts.hostname or not database or "/" in database or parts.fragment:
        raise ConfigError(f"storage.traces: a ClickHouse URL names a host and a database: {_WRITE}")
    unknown = sorted(set(words) - set(_WORDS))
    if unknown:
        raise ConfigError(
            f"storage.traces: {unknown[0]!r} is no setting of a ClickHouse URL; known are {', '.join(_WORDS)}"
        )
    tls = parts.scheme == "clickhouses"
    cluster = words.get("cluster") or None
    return Address(
        host=parts.hostname,
        port=port or (8443 if tls else 8123),
        database=database,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        tls=tls,
        verify=_switch(words, "verify", default=True),
        ca=words.get("ca") or None,
        proxy=_proxy(words.get("proxy"), tls=tls),
        cluster=cluster,
        replicated=_switch(words, "replicated", default=cluster is not None),
        ttl_days=_days(words),
        connect_timeout_s=_seconds(words, "connect_timeout_s", 5.0),
        timeout_s=_seconds(words, "timeout_s", 60.0),
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message may quote the URL
        raise ConfigError(f"storage.traces: no ClickHouse URL: {_WRITE}") from None
    return parts, port


def _switch(words: dict[str, str], name: str, *, default: bool) -> bool:
    value = words.get(name)
    if value is None:
        return default
    if value not in _SWITCH:
        raise ConfigError(f"storage.traces: {name}={value!r} in a ClickHouse URL: write {name}=1 or {name}=0")
    return _SWITCH[value]


def _proxy(url: str | None, *, tls: bool) -> str | None:
    """A forward proxy, only before TLS: it would read the password, and every text that is stored."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError("storage.traces: proxy in a ClickHouse URL: give proxy=${VARIABLE}, of http://HOST:PORT")
    if not tls:
        raise ConfigError("storage.traces: proxy in a ClickHouse URL: only with clickhouses://, it would read all else")
    return url


def _days(words: dict[str, str]) -> int | None:
    value = words.get("ttl_days")
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 36500:
        raise ConfigError(f"storage.traces: ttl_days={value!r} in a ClickHouse URL: write a number of days, 1 or more")
    return int(value)


def _seconds(words: dict[str, str], name: str, default: float) -> float:
    value = words.get(name)
    if value is None:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3600:
        raise ConfigError(f"storage.traces: {name}={value!r} in a ClickHouse URL: write seconds, above 0, at most 3600")
    return seconds
