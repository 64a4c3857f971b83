"""Where a SQLite database is, and how it may be opened, as its URL says."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from midwatch_core import ConfigError

_PREFIX = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A database file. `read_only` never writes, nor migrates."""

    path: Path
    read_only: bool = False

    def uri(self, **query: str) -> str:
        """SQLite's own URI of the file (https://sqlite.org/uri.html)."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return f"file:{quote(str(self.path))}?{words}"


def parse_url(url: str) -> Location:
    """The location of `sqlite:///relative/path`, `sqlite:////absolute/path`, either with `?mode=ro`.

    Raises ConfigError with what would be right.
    """
    if not url.startswith(_PREFIX) or url == _PREFIX:
        raise ConfigError(f"{url!r} is no SQLite URL: write sqlite:///PATH (or memory:// to keep nothing)")
    path, _, query = url.removeprefix(_PREFIX).partition("?")
    words = dict(parse_qsl(query, keep_blank_values=True))
    mode = words.pop("mode", "rwc")
    if mode not in ("ro", "rwc") or words:
        raise ConfigError(f"{url!r}: the only setting of a SQLite URL is mode=ro")
    if "\0" in unquote(path):
        raise ConfigError(f"{url!r}: a path has no NUL")
    return Location(path=Path(unquote(path)), read_only=mode == "ro")
