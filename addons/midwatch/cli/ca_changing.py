"""`ca show`, `import`, `rotate`, `retire`: the CAs that there are, and how one takes over from another."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from midwatch.cli.ca import given_in
from midwatch.cli.printing import print_json, print_table, visible
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.trust import ensure_ca, write_client_bundle
from midwatch.trust.authority import Authority, check_dates, id_of, name_of, read_authority
from midwatch.trust.bundles import certificates_of, public_cas
from midwatch.trust.given import read_given, read_parts
from midwatch.trust.keeping import Kept, kept, retire, stage
from midwatch.trust.making import new_authority
from midwatch.trust.pem_file import read_pem
from midwatch_core.errors import ConfigError

_OTHERS = 0o077


def show(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print each CA: what it is for, since or until when. Never a key."""
    given = _begun(home, config_file)
    rows = list(_given_rows(read_given(given)) if given else _kept_rows(kept(home)))
    if as_json:
        print_json(rows)
        return 0
    columns = ("id", "is", "subject", "key", "ends", "chain", "file")
    file = ", ".join(map(str, given)) if given else str(home.ca)
    cells = [[visible(str(row[name] or "-")) for name in columns[:-1]] + [file] for row in rows]
    print_table("", columns, cells)
    return 0


def import_(
    home: Home, config_file: Path | None, files: Sequence[Path], *, overlap_days: float, passphrase: Path | None
) -> int:
    """Have a CA of somebody's own sign, now or after a while. Nothing changes where it can't. Raises ConfigError."""
    _own_only(_begun(home, config_file))
    what = f"ca import {' '.join(map(str, files))}"
    pem = read_parts(files, "ca import")
    password = read_pem(passphrase, "--passphrase-file").rstrip(b"\r\n") if passphrase is not None else None
    found = read_authority(pem, what, password=password, known=certificates_of(public_cas()))
    if found.others:
        raise ConfigError(f"{what}: {name_of(found.others[0])} is not in the chain; give the CA and its chain alone")
    at = datetime.now(UTC) + timedelta(days=overlap_days)
    check_dates(found, at, what)
    _change(home, found, at, "ca_import")
    for file in files:
        if b"PRIVATE KEY" in read_pem(file, "ca import") and file.expanduser().stat().st_mode & _OTHERS:
            print(f"{file}: others may read the key there; the home has its own copy now")
    return 0


def rotate(home: Home, config_file: Path | None, *, overlap_days: float) -> int:
    """Make another CA that takes over after the overlap. Raises ConfigError."""
    _own_only(_begun(home, config_file))
    now = datetime.now(UTC)
    _change(home, new_authority(now.date()), now + timedelta(days=overlap_days), "ca_rotate")
    return 0


def retire_old(home: Home, config_file: Path | None, ids: Sequence[str], *, everything: bool) -> int:
    """Have clients trust roots from before no more, or drop one that waits. Raises ConfigError."""
    _own_only(_begun(home, config_file))
    if everything == bool(ids):
        raise ConfigError("ca retire: give the ids (see `ca show`), or --all for those from before")
    known = kept(home)
    old = {id_of(item) for item in known.old}
    waiting = {known.next.id} if known.next is not None else set()
    if known.active.id in ids:
        raise ConfigError(f"ca retire: {known.active.id} is the CA in use; rotate first")
    if unknown := sorted(set(ids) - old - waiting):
        raise ConfigError(f"ca retire: no CA {unknown[0]}; there are {', '.join(sorted(old | waiting)) or 'none'}")
    gone = retire(home, lambda id_: id_ in (old if everything else ids))
    write_client_bundle(home)
    for id_ in gone:
        _tell(home, "ca_retire", id_)
        print(f"{id_}: not among what clients are to trust any more; take it from their stores: ca trust")
    return 0 if gone else 1


def _change(home: Home, authority: Authority, at: datetime, did: str) -> None:
    changed = stage(home, authority, at)
    write_client_bundle(home)
    running = _tell(home, did, authority.id)
    print(f"{authority.id}: {name_of(authority.certificate)}, until {authority.ends:%F}")
    if changed.next is not None:
        print(f"It signs from {at:%F %R} UTC on; until then have clients trust both: {home.ca_certificate}")
    else:
        print(f"It signs from now on{', without a restart' if running else ''}; clients trust: {home.ca_certificate}")
    if changed.old:
        told = ", ".join(id_of(item) for item in changed.old)
        print(f"Still published: {told}; when no client needs it any more: ca retire {told}")


def _tell(home: Home, did: str, subject: str) -> bool:
    """Control sees that itself within seconds, and now; whether it lives."""
    client = LineClient(home.control_socket)
    try:
        asyncio.run(client.ask({"op": "authority", "did": did, "subject": subject}, timeout_s=10.0))
    except ControlAbsentError:
        return False
    return True


def _begun(home: Home, config_file: Path | None) -> Sequence[Path]:
    home.prepare()
    given = given_in(home, config_file)
    ensure_ca(home, given)
    return given


def _own_only(given: Sequence[Path]) -> None:
    if given:
        raise ConfigError(f"tls.ca: the CA comes from {', '.join(map(str, given))}; change it there, workers follow")


def _kept_rows(found: Kept) -> Iterator[dict[str, Any]]:
    yield _row(found.active, "in use")
    if found.next is not None and found.next_from is not None:
        yield _row(found.next, f"next, from {found.next_from:%F %R} UTC")
    for item in found.old:
        yield _bare_row(item, "trusted from before")


def _given_rows(found: Authority) -> Iterator[dict[str, Any]]:
    yield _row(found, "in use")
    for item in found.others:
        yield _bare_row(item, "trusted too")


def _row(authority: Authority, what: str) -> dict[str, Any]:
    key = authority.key
    kind = f"RSA {key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else f"EC {key.curve.name}"
    chain = " < ".join(name_of(item) for item in authority.chain)
    bare = _bare_row(authority.certificate, what)
    return {**bare, "key": kind, "chain": chain, "ends": f"{authority.ends:%F}", "trust": id_of(authority.anchor)}


def _bare_row(certificate: x509.Certificate, what: str) -> dict[str, Any]:
    return {
        "id": id_of(certificate),
        "is": what,
        "subject": name_of(certificate),
        "key": None,
        "ends": f"{certificate.not_valid_after_utc:%F}",
        "chain": None,
        "trust": id_of(certificate),
    }
