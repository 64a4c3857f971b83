"""The CAs of a home: the one that signs, the next one and when it takes over, and the roots still trusted from before.

    ca/mitmproxy-ca.pem         the one that signs, with its key
    ca/next-ca.pem              the next one, with its key, and the moment it takes over
    ca/old-ID.pem               a root from before; its key is gone
    ca/mitmproxy-ca-cert.pem    what clients are to trust: the roots of all of them

Each step replaces one file at once, and what is published grows before anything signs with it: whoever is cut off
between two steps leaves a home that works.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from midwatch.home import Home, write_private
from midwatch.trust.authority import Authority, id_of, pem_of, read_authority
from midwatch.trust.making import new_authority
from midwatch.trust.pem import moment_of, with_moment
from midwatch.trust.publishing import publish
from midwatch_core.errors import ConfigError

# A command may wait for another; control has an event loop to serve, and looks again in a few seconds.
_WAIT_S, _SOON_S = 15.0, 1.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a home keeps. `next_from` is there with `next`."""

    active: Authority
    next: Authority | None = None
    next_from: datetime | None = None
    old: tuple[x509.Certificate, ...] = ()

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """What clients are to trust, the one in use first."""
        coming = (self.next.anchor,) if self.next is not None else ()
        return tuple(dict.fromkeys((self.active.anchor, *coming, *self.old)))


def begin(home: Home) -> None:
    """Make the CA where there is none, have the next one take over where it is due, publish. Raises ConfigError."""
    with _held(home):
        if not home.ca_file.exists():
            write_private(home.ca_file, new_authority().pem(), durable=True)
        found = _taken_over(home, datetime.now(UTC))
        publish(home.ca_certificate, found.anchors)


def kept(home: Home) -> Kept:
    """All of them. Raises ConfigError for a file that is damaged."""
    active = signing(home)
    next_, at = _next(home)
    if next_ is not None and next_.certificate == active.certificate:  # cut off after it took over
        next_, at = None, None
    return Kept(active=active, next=next_, next_from=at, old=tuple(_old(home)))


def signing(home: Home) -> Authority:
    """The home's CA that signs. Raises ConfigError."""
    return read_authority(_read(home.ca_file), str(home.ca_file))


def stage(home: Home, authority: Authority, at: datetime) -> Kept:
    """Publish a CA that takes over at this moment; in place of another that waited. What is kept then.

    A moment that has passed is now. Raises ConfigError, and nothing has changed then, unless it signs already.
    """
    with _held(home):
        found = kept(home)
        if authority.certificate == found.active.certificate:
            raise ConfigError(f"{authority.id} is the CA in use already")
        waiting = _read(home.next_ca_file) if home.next_ca_file.exists() else None
        try:
            publish(home.ca_certificate, (*found.anchors, authority.anchor))
            write_private(home.next_ca_file, with_moment(authority.pem(), at), durable=True)
            changed = _taken_over(home, datetime.now(UTC))
            publish(home.ca_certificate, changed.anchors)
        except OSError:
            _put_back(home, found, waiting)
            raise
        return changed


def _put_back(home: Home, found: Kept, waiting: bytes | None) -> None:
    """The disk is full in the middle, say: what was found stays, and what could not sign at once never will."""
    if signing(home).certificate != found.active.certificate:
        return  # it signs: the rest is done at the next start or look
    with suppress(OSError):
        if found.active.anchor not in found.old:
            _old_file(home, found.active.anchor).unlink(missing_ok=True)
        if waiting is None or home.next_ca_file.read_bytes() != waiting:
            home.next_ca_file.unlink(missing_ok=True)  # first: it makes the room that the other had
            if waiting is not None:
                write_private(home.next_ca_file, waiting, durable=True)
        publish(home.ca_certificate, found.anchors)


def take_over(home: Home, now: datetime) -> Authority | None:
    """Have the next CA sign from now on, if its moment has come; None where there is none. Raises ConfigError."""
    if not home.next_ca_file.exists():
        return None
    with _held(home, wait_s=_SOON_S):
        before = signing(home)
        after = _taken_over(home, now)
        publish(home.ca_certificate, after.anchors)
        return after.active if after.active.certificate != before.certificate else None


def retire(home: Home, wanted: Callable[[str], bool]) -> list[str]:
    """Take roots from before, or a CA that waits, out of what is published: the ids of those that went.

    `wanted` is asked with the id of each. Raises ConfigError.
    """
    with _held(home):
        found = kept(home)
        gone = [item for item in found.old if wanted(id_of(item))]
        dropped = found.next if found.next is not None and wanted(found.next.id) else None
        old = tuple(item for item in found.old if item not in gone)
        left = replace(found, next=None if dropped else found.next, old=old)
        publish(home.ca_certificate, left.anchors)  # first: who is cut off here finds them, and can try again
        for item in gone:
            _old_file(home, item).unlink()
        if dropped is not None:
            home.next_ca_file.unlink()
        return [id_of(item) for item in gone] + ([dropped.id] if dropped is not None else [])


def _taken_over(home: Home, now: datetime) -> Kept:
    """What is kept after a next CA that is due has taken over. The lock is held."""
    found = kept(home)
    if found.next is None or found.next_from is None or found.next_from > now:
        if found.next is None:
            home.next_ca_file.unlink(missing_ok=True)
        return found
    if found.active.anchor != found.next.anchor:
        write_private(_old_file(home, found.active.anchor), pem_of(found.active.anchor), durable=True)
    write_private(home.ca_file, found.next.pem(), durable=True)
    home.next_ca_file.unlink()
    _forget_mitmproxy_s_copies(home)
    return kept(home)


def _forget_mitmproxy_s_copies(home: Home) -> None:
    """mitmproxy wrote the CA that was made first in other formats too, one of them with its key."""
    for name in ("mitmproxy-ca.p12", "mitmproxy-ca-cert.p12", "mitmproxy-ca-cert.cer"):
        (home.ca / name).unlink(missing_ok=True)


def _next(home: Home) -> tuple[Authority | None, datetime | None]:
    file = home.next_ca_file
    if not file.exists():
        return None, None
    pem = _read(file)
    at = moment_of(pem)
    if at is None:
        raise ConfigError(f"{file}: it does not say when it takes over; remove it, and rotate again")
    return read_authority(pem, str(file)), at


def _old(home: Home) -> Iterator[x509.Certificate]:
    for file in sorted(home.ca.glob("old-*.pem")):
        try:
            yield x509.load_pem_x509_certificate(_read(file))
        except ValueError as error:
            raise ConfigError(f"{file}: {error}; remove it, and have clients trust what is published") from error


def _old_file(home: Home, anchor: x509.Certificate) -> Path:
    return home.ca / f"old-{id_of(anchor)}.pem"


@contextmanager
def _held(home: Home, *, wait_s: float = _WAIT_S) -> Iterator[None]:
    """One at a time: a command may change what control is about to change too.

    What can't be written, and another that takes longer than `wait_s`: ConfigError.
    """
    try:
        descriptor = os.open(home.ca_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, home.ca_lock, time.monotonic() + wait_s)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{error.filename or home.ca}: {error.strerror}") from error


def _lock(descriptor: int, file: Path, until_s: float) -> None:
    """Not by waiting in the system: one that was halted (Ctrl-Z) would halt control with it."""
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise ConfigError(f"{file}: another command is changing the CA; try again when it has ended") from None
            time.sleep(_LOOK_S)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
