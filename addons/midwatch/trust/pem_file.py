"""A file of PEM that somebody else wrote, read as far as one is sensible: what is longer is no CA, and no bundle."""

from pathlib import Path

from midwatch_core.errors import ConfigError

# All public CAs, each with a page of words about it, have three times room in the second.
CA_MEGABYTES = 1
BUNDLE_MEGABYTES = 4
_MEGABYTE = 1024**2


def read_pem(file: Path, what: str, *, megabytes: int = CA_MEGABYTES) -> bytes:
    """The file's content, whatever it is. Raises ConfigError, which never has any of it."""
    try:
        with file.expanduser().open("rb") as opened:
            data = opened.read(megabytes * _MEGABYTE + 1)
    except OSError as error:
        raise ConfigError(f"{what}: {file}: {error.strerror}") from error
    except RuntimeError as error:  # ~nobody
        raise ConfigError(f"{what}: {file}: there is no such user") from error
    if len(data) > megabytes * _MEGABYTE:
        told = "a megabyte" if megabytes == 1 else f"{megabytes} megabytes"
        raise ConfigError(f"{what}: {file}: more than {told}; expected certificates in PEM")
    return data
