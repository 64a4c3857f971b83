"""How much a `memory://` URL asks to be kept."""

from urllib.parse import parse_qsl

from midwatch_core import ConfigError

DEFAULT = 10_000


def capacity(url: str) -> int:
    """The number of exchanges (and of audit records) to keep. Raises ConfigError with what would be right."""
    words = dict(parse_qsl(url.removeprefix("memory://").removeprefix("?"), keep_blank_values=True))
    number = words.pop("exchanges", str(DEFAULT))
    plain = url.partition("?")[0] == "memory://"
    if not plain or words or not number.isascii() or not number.isdigit() or not 0 < int(number) <= 10**9:
        raise ConfigError(f"{url!r}: write memory:// or memory://?exchanges=NUMBER")
    return int(number)
