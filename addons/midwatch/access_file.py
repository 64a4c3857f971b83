"""The file of tenants and keys in the home: control writes it, workers start from it, and need no store for that."""

from collections.abc import Sequence

from midwatch.home import Home, write_private
from midwatch_core.access.directory import Directory
from midwatch_core.access.document import decode_directory, encode_directory
from midwatch_core.errors import ConfigError
from midwatch_core.model.tenant import Tenant


def read_access(home: Home, configured: Sequence[Tenant]) -> Directory:
    """The tenants and keys as control last wrote them, the tenants of the configuration as they are now.

    Where nothing was written yet there are no keys. Raises ConfigError for a file that is damaged or can't be read:
    whoever has a good one keeps it.
    """
    try:
        data = home.directory.read_bytes()
    except FileNotFoundError:
        return Directory.merged(configured, (), ())
    except OSError as error:
        raise ConfigError(f"{home.directory}: {error.strerror}") from error
    found = decode_directory(data, str(home.directory))
    return Directory.merged(configured, (tenant for tenant in found.tenants if not tenant.configured), found.keys)


def write_access(home: Home, directory: Directory) -> None:
    """Replace the file in one step, its owner's alone. Raises OSError."""
    write_private(home.directory, encode_directory(directory))
