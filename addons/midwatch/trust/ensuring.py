"""A start has a CA: the home's own, made where there is none, or the one that `tls.ca` names."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from midwatch.home import Home
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)
_OTHERS = 0o077


def ensure_ca(home: Home, given: Sequence[Path] = ()) -> None:
    """Before any worker starts: make the CA if there is none, for two would make two. Raises ConfigError.

    `given` is `tls.ca`. A next CA whose moment has come takes over here too.
    """
    if given:
        from midwatch.trust.given import publish_given

        publish_given(home, given)
        return
    try:
        for file in (home.given_ca_certificate, home.given_ca_chain):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}") from error
    _close(home.ca_file)
    if home.ca_file.exists() and home.ca_certificate.exists() and not home.next_ca_file.exists():
        return  # a start as most are: nothing is parsed
    from midwatch.trust.keeping import begin

    begin(home)


def _close(file: Path) -> None:
    """The key is its owner's alone, whoever copied it here."""
    with suppress(FileNotFoundError):
        if file.stat().st_mode & _OTHERS:
            try:
                file.chmod(0o600)
            except OSError as error:  # another's, or on what can't be written: a mounted secret
                logger.warning("%s: others may read the CA's key, and it stays so: %s", file, error.strerror)
            else:
                logger.warning("%s: others could read the CA's key: not any more", file)
