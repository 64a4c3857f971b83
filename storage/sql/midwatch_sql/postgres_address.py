"""Where a PostgreSQL database is, as its URL says. No message ever quotes the URL: it may hold a password."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from midwatch_core import ConfigError

_FORM = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of a password percent-encoded"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey")
_WORDS = ("sslmode", *_FILES, "host", "port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A database. `dsn` is its URL, with the password; `name` is what messages call it."""

    name: str
    dsn: str = field(repr=False)


def parse_url(url: str) -> Address:
    """The address of `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with libpq's settings of TLS behind a `?`.

    A user or password that is not said comes from PGUSER, PGPASSWORD or the password file, as libpq has it. Raises
    ConfigError with what would be right.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong("it is no URL") from None
    hosts = parts.netloc.rpartition("@")[2]
    database = parts.path.removeprefix("/")
    if parts.fragment or not database or "/" in database or "@" in database:
        raise _wrong("it names no database, or a special character stands in it as it is")
    if not all(_is_port(host.rpartition("]")[2].partition(":")[2]) for host in hosts.split(",")):
        raise _wrong("a port is no number")
    words = _words(parts.query)
    place = hosts or words.get("host", "")
    return Address(name=f"postgresql://{place}/{unquote(database)}", dsn=url)


def _words(query: str) -> dict[str, str]:
    words = dict(parse_qsl(query, keep_blank_values=True))
    if not words.keys() <= set(_WORDS):
        raise _wrong(f"its settings are {', '.join(_WORDS)}")
    if words.get("sslmode", "prefer") not in _SSL_MODES:
        raise _wrong(f"sslmode is one of {', '.join(_SSL_MODES)}")
    if not all(_is_port(port) for port in words.get("port", "").split(",")):
        raise _wrong("a port is no number")
    for name in _FILES:
        if name in words and not Path(words[name]).is_file():
            raise _wrong(f"there is no file {words[name]} ({name})")
    return words


def _is_port(word: str) -> bool:
    return not word or (word.isascii() and word.isdigit() and 0 < int(word) < 65536)


def _wrong(reason: str) -> ConfigError:
    return ConfigError(f"not a PostgreSQL URL: {reason}; {_FORM}")
