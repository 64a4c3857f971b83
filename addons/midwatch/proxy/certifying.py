"""Which CA signs for clients, in a worker: read at its start, and again when control says that another took over."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from mitmproxy.certs import DEFAULT_DHPARAM, CertStore

from midwatch.home import Home, write_private
from midwatch.lean.own_authority import OwnAuthority, store_of
from midwatch.trust.authority import Authority, issued, pem_of
from midwatch.trust.bundles import joined
from midwatch.trust.given import read_given
from midwatch.trust.keeping import signing
from midwatch_core.errors import ConfigError

logger = logging.getLogger(__name__)


class Certifying:
    """Holds mitmproxy's addon for TLS. Connections that are open keep the certificate they have."""

    def __init__(self, home: Home, given: Callable[[], Sequence[Path]]) -> None:
        """Raises ConfigError where there is no CA that could sign. `given` tells `tls.ca` as it is now."""
        self._home = home
        self._given = given
        self._found = found = self._read()
        self.addon = OwnAuthority(self._store(found))

    def follow(self) -> None:
        """Take the CA of now; one that can't be read leaves the last."""
        try:
            found = self._read()
            if found == self._found:  # with the chain: a CA above may be renewed alone
                return
            self.addon.certstore = self._store(found)
        except ConfigError as error:
            logger.error("the CA in use stays: %s", error)
            return
        self._found = found
        logger.info("certificates are signed by CA %s from now on", found.id)

    def _read(self) -> Authority:
        given = self._given()
        return read_given(given) if given else signing(self._home)

    def _store(self, found: Authority) -> CertStore:
        run = self._home.run
        sent = [item for item in (found.certificate, *found.chain) if not issued(item, by=item)]
        chain, dh = run / f"ca-chain-{found.id}.pem", run / "dhparam.pem"
        try:
            if sent:
                write_private(chain, joined(*map(pem_of, sent)))
            if not dh.exists():  # mitmproxy would write it too, but not in one step
                write_private(dh, DEFAULT_DHPARAM)
        except OSError as error:
            raise ConfigError(f"{error.filename or run}: {error.strerror}") from error
        # mitmproxy says RSA, and signs with keys of curves all the same.
        key = cast(RSAPrivateKey, found.key)
        return store_of(key, found.certificate, chain_file=chain if sent else None, dh_file=dh)
