"""What clients are to trust, in files: all roots in one, and each in one of its own for stores that want it so."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography import x509

from midwatch.home import Home, write_private
from midwatch.trust.authority import id_of, pem_of
from midwatch.trust.bundles import joined
from midwatch_core.errors import ConfigError

_PREFIX = "midwatch-"


def publish(file: Path, anchors: Sequence[x509.Certificate]) -> None:
    """Write all of them to one file; nothing where it has them already: it may be read-only. Raises OSError."""
    data = joined(*map(pem_of, dict.fromkeys(anchors)))
    with suppress(FileNotFoundError):
        if file.read_bytes() == data:
            return
    write_private(file, data, mode=0o644)


def published(home: Home) -> tuple[x509.Certificate, ...]:
    """What was published last. Raises ConfigError."""
    file = home.ca_certificate
    try:
        return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file}: {error}; remove it, and it is written anew") from error


def apart(home: Home) -> Mapping[Path, x509.Certificate]:
    """Each of them in a file of its own, those from before removed. Raises ConfigError."""
    found = {home.run / f"{_PREFIX}{id_of(item)}.crt": item for item in published(home)}
    try:
        for file, item in found.items():
            publish(file, [item])
        for file in home.run.glob(f"{_PREFIX}*.crt"):
            if file not in found:
                file.unlink()
    except OSError as error:
        raise ConfigError(f"{error.filename or home.run}: {error.strerror}") from error
    return found
