"""What `doctor` says of the CA: whether it can sign and how long, who may read its key, and who here trusts it."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from midwatch.home import Home
from midwatch.trust.authority import Authority, check_dates, id_of, name_of
from midwatch.trust.given import check_closed, read_given
from midwatch.trust.keeping import Kept, kept
from midwatch.trust.showing import shown
from midwatch.trust.trying import HOST, Tried, tries
from midwatch_core.errors import ConfigError
from midwatch_core.troubles import SOON_S

type Told = tuple[str, bool | None, str]
_OTHERS = 0o077


def ca_checks(home: Home, given: Sequence[Path]) -> Iterator[Told]:
    """Name, whether it is well (None: as it may be, but worth knowing), what there is to say. `given` is `tls.ca`."""
    if not given and not home.ca_file.exists():
        yield "CA", None, "none yet: made at the first start"
        return
    try:
        found = Kept(active=read_given(given)) if given else kept(home)
    except ConfigError as error:  # no key, another's key, a chain with a gap
        yield "CA", False, str(error)
        return
    now = datetime.now(UTC)
    yield _standing("CA", found.active, now)
    if found.next is not None and found.next_from is not None:
        name, at = "next CA", max(now, found.next_from)
        yield _standing(name, found.next, at, f"signs from {found.next_from:%F %R} UTC on; ")
    for item in found.old:
        yield f"old CA {id_of(item)}", None, "still published; when no client needs it any more: ca retire"
    yield from _closed(given or (home.ca_file, home.next_ca_file), ours=not given)
    yield from _trusted(found)


def _standing(name: str, authority: Authority, at: datetime, says: str = "") -> Told:
    """Its dates; that its key fits and that its chain is whole was seen when it was read."""
    under = f"under {name_of(authority.anchor)}, chain complete" if authority.chain else "a root"
    told = f"{authority.id} {name_of(authority.certificate)}, {under}; {says}until {authority.ends:%F}"
    try:
        check_dates(authority, at, name)
    except ConfigError as error:
        return name, False, f"{told}: {str(error).partition(': ')[2]}"
    if authority.ends - at < timedelta(seconds=SOON_S):
        return name, None, f"{told}: soon over, see `ca rotate`"
    return name, True, told


def _closed(files: Sequence[Path], *, ours: bool) -> Iterator[Told]:
    """Who may read the key. In the home nobody else; of `tls.ca` a group may, as in a pod."""
    for file in files:
        try:
            mode = file.expanduser().stat().st_mode
            check_closed(file)
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            yield "CA's key", False, str(error).removeprefix("tls.ca: ")
            continue
        if ours and mode & _OTHERS:
            yield "CA's key", False, f"{file}: others may read it: chmod 600"
        else:
            yield "CA's key", True, f"{file}: {mode & 0o777:o}"


def _trusted(found: Kept) -> Iterator[Told]:
    """What a handshake with each runtime says; the next CA is for those that trust the one in use."""
    first = _tried(found.active, lambda _: True)
    then = _tried(found.next, lambda who: bool(first[who].trusts)) if found.next is not None else {}
    for who, tried in first.items():
        name = f"trust: {who}"
        if tried.trusts is None:
            yield name, None, tried.why
        elif not tried.trusts:
            yield name, None, f"does not trust the CA ({tried.why}): use exec, or see `ca trust`"
        elif who in then and then[who].trusts is False:
            yield name, None, "trusts the CA in use, and not yet the next one: see `ca trust`"
        else:
            yield name, True, "trusts the CA" + (" and the next one" if who in then else "")


def _tried(authority: Authority, asked: Callable[[str], bool]) -> dict[str, Tried]:
    """All who are asked, at once: a Java takes a second to begin."""
    with shown(authority, HOST) as port, ThreadPoolExecutor() as threads:
        under_way = {who: threads.submit(attempt, port) for who, attempt in tries(os.environ).items() if asked(who)}
        return {who: future.result() for who, future in under_way.items()}
