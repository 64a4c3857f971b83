"""The home: the folder that holds all an installation keeps, and what lies where in it."""

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from midwatch_core.errors import ConfigError

_KEY_BYTES = 32
# The longest path a Unix socket may have is 107 bytes on Linux, 103 on macOS.
_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of an installation. Nothing is made before `prepare`."""

    root: Path

    @property
    def config_file(self) -> Path:
        """The user's settings, if there are any."""
        return self.root / "config.yaml"

    @property
    def journal(self) -> Path:
        """The journal's segments."""
        return self.root / "journal"

    @property
    def ca(self) -> Path:
        """mitmproxy's confdir: the CA and its key."""
        return self.root / "ca"

    @property
    def ca_file(self) -> Path:
        """The CA that signs, as mitmproxy keeps it: key, certificate, chain to its root."""
        return self.ca / "mitmproxy-ca.pem"

    @property
    def next_ca_file(self) -> Path:
        """The CA that takes over at a moment which the file names."""
        return self.ca / "next-ca.pem"

    @property
    def ca_certificate(self) -> Path:
        """What clients must trust: a root, more of them while one CA takes over from another."""
        given = self.given_ca_certificate
        return given if given.exists() else self.ca / "mitmproxy-ca-cert.pem"

    @property
    def given_ca_certificate(self) -> Path:
        """The same of a CA from outside (`tls.ca`): there as long as it is in use."""
        return self.run / "given-ca-cert.pem"

    @property
    def given_ca_chain(self) -> Path:
        """Its own certificate and those above, without a key: for who only wants to know when they end."""
        return self.run / "given-ca.pem"

    @property
    def ca_lock(self) -> Path:
        """Held by who changes the CA."""
        return self.run / "ca.lock"

    @property
    def run(self) -> Path:
        """What lives as long as the processes: snapshot, bundles, locks, socket."""
        return self.root / "run"

    @property
    def snapshot(self) -> Path:
        """The resolved settings that workers and control start from."""
        return self.run / "snapshot.json"

    @property
    def crew(self) -> Path:
        """How the supervisor's processes do, as it last said."""
        return self.run / "crew.json"

    @property
    def crew_lock(self) -> Path:
        """Held by each supervisor for as long as it lives."""
        return self.run / "crew.lock"

    @property
    def directory(self) -> Path:
        """Tenants and keys (their digests), as control last saw them: what workers go by."""
        return self.run / "directory.json"

    @property
    def pinned(self) -> Path:
        """Clients that refused our certificate, as control last saw them: they are passed through unread."""
        return self.run / "pinned.json"

    @property
    def published_policy(self) -> Path:
        """The policy that an operator published: it holds where the configuration names no file."""
        return self.root / "policy.published.json"

    @property
    def audit_anchor(self) -> Path:
        """The last entry of the audit log: what is cut off its end shows by this."""
        return self.root / "audit.anchor"

    @property
    def pending_reports(self) -> Path:
        """The ids of reports that are being made."""
        return self.root / "reports.pending"

    @property
    def open_incidents(self) -> Path:
        """The ids of the incidents that are not over, and when they expire."""
        return self.root / "incidents.open"

    @property
    def control_lock(self) -> Path:
        """Held by the one control process."""
        return self.run / "control.lock"

    @property
    def control_socket(self) -> Path:
        """Where control answers workers and commands; beside the home where its path would be too long."""
        path = self.run / "control.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
            return path
        import hashlib

        name = hashlib.blake2b(os.fsencode(path), digest_size=12).hexdigest()
        return Path(tempfile.gettempdir()) / f"midwatch-{os.getuid()}" / f"{name}.sock"

    @property
    def hash_key_file(self) -> Path:
        """The key of this installation's text hashes."""
        return self.root / "hash.key"

    @property
    def upstream_bundle(self) -> Path:
        """CAs that providers' certificates may have: the public ones and `upstream_ca`."""
        return self.run / "upstream-ca.pem"

    @property
    def client_bundle(self) -> Path:
        """CAs for clients under `exec`: the public ones and our own."""
        return self.run / "client-ca.pem"

    @property
    def java_store(self) -> Path:
        """The same for Java, as PKCS #12."""
        return self.run / "client-ca.p12"

    def prepare(self) -> None:
        """Make the folders, private to the user. Raises ConfigError where the home can't be written."""
        try:
            for folder in (self.root, self.journal, self.ca, self.run, self.control_socket.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_socket_folder()
            self.hash_key()
        except OSError as error:
            raise ConfigError(
                f"--home {self.root}: {error.strerror}: {error.filename}; choose a folder that can be written"
            ) from error

    def hash_key(self) -> bytes:
        """The key for hashing texts, made at first use."""
        try:
            return self.hash_key_file.read_bytes()
        except FileNotFoundError:
            fresh = self.root / f".hash.key.{os.getpid()}"
            fresh.touch(mode=0o600)
            fresh.write_bytes(secrets.token_bytes(_KEY_BYTES))
            try:
                os.link(fresh, self.hash_key_file)  # the first of two processes wins, whole
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
            return self.hash_key_file.read_bytes()

    def _check_socket_folder(self) -> None:
        folder = self.control_socket.parent
        if folder != self.run and folder.stat().st_uid != os.getuid():
            raise PermissionError(1, "belongs to another user", str(folder))


def write_private(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace a file in one step, readable by its owner alone. Raises OSError, and nothing is left of it then.

    `mode`: others may read what is no secret. `durable`: it is on the disk when this returns, for what nobody could
    make again; without it, a power failure may leave an empty file.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  # an open descriptor, not a path
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(descriptor)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)  # a full disk is no place for half a key
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk too (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # not every network disk does that for a folder; the file is there already
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
