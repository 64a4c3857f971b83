"""The CAs of a home: made, handed over with an overlap, retired; who is cut off in between leaves a home that works."""

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from midwatch.home import Home, write_private
from midwatch.trust import ensure_ca, publishing
from midwatch.trust.authority import Authority, id_of, pem_of, read_authority
from midwatch.trust.keeping import kept, retire, signing, stage, take_over
from midwatch.trust.pem import certificates_in, with_moment
from midwatch_core.errors import ConfigError
from tests.addons.trust.pki import DAY, Signer, signer

NOW = datetime.now(UTC)


def authority(*signers: Signer) -> Authority:
    return read_authority(signers[0].key_pem + b"".join(item.pem for item in signers), "ca.pem")


@pytest.fixture
def begun(home: Home, made: Authority) -> Home:
    write_private(home.ca_file, made.pem())
    ensure_ca(home)
    return home


@pytest.fixture(scope="module")
def another() -> Authority:
    return authority(signer("another"))


def published(home: Home) -> list[str]:
    return [id_of(item) for item in publishing.published(home)]


def test_the_first_is_a_root_that_is_published_beside_no_key(home: Home) -> None:
    ensure_ca(home)
    found = kept(home)
    assert (found.active.chain, found.next, found.old) == ((), None, ())
    assert found.active.ends > NOW + 3000 * DAY
    assert published(home) == [found.active.id]
    assert b"PRIVATE" not in home.ca_certificate.read_bytes()
    assert home.ca_file.stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in home.ca.iterdir()) == [
        "mitmproxy-ca-cert.pem",
        "mitmproxy-ca.pem",
    ]


def test_a_key_that_others_could_read_is_closed_at_a_start(begun: Home, caplog: pytest.LogCaptureFixture) -> None:
    begun.ca_file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        ensure_ca(begun)
    assert begun.ca_file.stat().st_mode & 0o777 == 0o600
    assert "others could read the CA's key" in caplog.text


def test_the_next_one_is_published_before_it_signs(begun: Home, another: Authority) -> None:
    first = signing(begun)
    waiting = stage(begun, another, NOW + DAY)
    assert (waiting.active, waiting.next, waiting.next_from) == (first, another, NOW + DAY)
    assert published(begun) == [first.id, another.id]
    assert begun.next_ca_file.stat().st_mode & 0o777 == 0o600
    assert take_over(begun, NOW + DAY / 2) is None
    assert take_over(begun, NOW + DAY) == another
    after = kept(begun)
    assert (after.active, after.next, after.old) == (another, None, (first.certificate,))
    assert published(begun) == [another.id, first.id]
    assert take_over(begun, NOW + 9 * DAY) is None


def test_of_the_one_before_no_key_is_left(begun: Home, another: Authority) -> None:
    before = begun.ca_file.read_bytes()
    (begun.ca / "mitmproxy-ca.p12").write_bytes(before)  # as mitmproxy leaves it beside the CA that it makes
    secret = before.splitlines()[5]
    stage(begun, another, NOW)
    left = {item.name: item.read_bytes() for item in begun.ca.iterdir()}
    assert [name for name, data in left.items() if secret in data] == []
    assert [name for name, data in left.items() if b"PRIVATE" in data] == ["mitmproxy-ca.pem"]


def test_a_start_after_the_moment_has_it_take_over(begun: Home, another: Authority) -> None:
    stage(begun, another, NOW + DAY)
    begun.next_ca_file.write_bytes(with_moment(another.pem(), NOW - DAY))
    ensure_ca(begun)
    assert signing(begun) == another


def test_another_that_waits_is_replaced(begun: Home, another: Authority) -> None:
    later = authority(signer("later"))
    stage(begun, another, NOW + DAY)
    stage(begun, later, NOW + 2 * DAY)
    assert published(begun) == [signing(begun).id, later.id]
    assert take_over(begun, NOW + DAY) is None


def test_an_intermediate_is_trusted_by_its_root_and_another_below_it_changes_nothing_for_clients(
    begun: Home, root: Signer, intermediate: Signer
) -> None:
    first = signing(begun)
    stage(begun, authority(intermediate, root), NOW)
    assert published(begun) == [id_of(root.certificate), first.id]
    stage(begun, authority(signer("sister", root), root), NOW)
    assert published(begun) == [id_of(root.certificate), first.id]
    assert len(kept(begun).old) == 1


def test_the_one_in_use_is_not_staged_again(begun: Home) -> None:
    with pytest.raises(ConfigError, match="is the CA in use already"):
        stage(begun, signing(begun), NOW)


def test_retired_ones_are_published_no_more(begun: Home, another: Authority) -> None:
    first = signing(begun)
    stage(begun, another, NOW)
    assert retire(begun, lambda id_: id_ == "nobody") == []
    assert retire(begun, lambda id_: id_ == first.id) == [first.id]
    assert published(begun) == [another.id]


def test_each_root_has_a_file_of_its_own_as_long_as_it_is_published(begun: Home, another: Authority) -> None:
    first = signing(begun)
    stage(begun, another, NOW)
    two = publishing.apart(begun)
    assert [file.read_bytes() for file in two] == [pem_of(another.certificate), pem_of(first.certificate)]
    retire(begun, lambda _: True)
    assert list(publishing.apart(begun)) == [begun.run / f"midwatch-{another.id}.crt"]
    assert sorted(begun.run.glob("midwatch-*.crt")) == [begun.run / f"midwatch-{another.id}.crt"]


def test_one_that_waits_can_be_dropped(begun: Home, another: Authority) -> None:
    stage(begun, another, NOW + DAY)
    assert retire(begun, lambda id_: id_ == another.id) == [another.id]
    assert (kept(begun).next, published(begun)) == (None, [signing(begun).id])


def test_who_was_cut_off_after_the_new_one_was_written_goes_on(begun: Home, another: Authority) -> None:
    first = signing(begun)
    stage(begun, another, NOW + DAY)
    (begun.ca / f"old-{first.id}.pem").write_bytes(pem_of(first.certificate))
    begun.ca_file.write_bytes(another.pem())  # as in the middle of a take-over: the one that waited is still there
    assert kept(begun).next is None
    ensure_ca(begun)
    assert not begun.next_ca_file.exists()
    assert (signing(begun), published(begun)) == (another, [another.id, first.id])


@pytest.mark.parametrize("name", ["mitmproxy-ca.pem", "next-ca.pem", "old-0123456789ab.pem"])
def test_a_damaged_file_is_named(begun: Home, another: Authority, name: str) -> None:
    stage(begun, another, NOW + DAY)
    (begun.ca / name).write_bytes(b"not any more")
    with pytest.raises(ConfigError, match=name):
        kept(begun)


@pytest.mark.parametrize("moment", [b"", b"from: 2026-13-45T00:00:00\n"])
def test_one_that_does_not_say_when_never_signs(begun: Home, another: Authority, moment: bytes) -> None:
    first = signing(begun)
    begun.next_ca_file.write_bytes(moment + another.pem())
    with pytest.raises(ConfigError, match="does not say when it takes over"):
        take_over(begun, NOW + 999 * DAY)
    assert signing(begun) == first


def test_what_can_t_be_written_changes_nothing(begun: Home, another: Authority) -> None:
    before = {item: item.read_bytes() for item in begun.ca.iterdir()}
    begun.next_ca_file.mkdir()  # as good as a folder that can't be written, for root too
    with pytest.raises(ConfigError, match=r"next-ca\.pem"):
        stage(begun, another, NOW)
    begun.next_ca_file.rmdir()
    ensure_ca(begun)
    assert signing(begun).pem() == certificates_in_order(before[begun.ca_file])


def certificates_in_order(pem: bytes) -> bytes:
    return read_authority(pem, "before").pem()


def test_two_at_once_wait_for_each_other(begun: Home) -> None:
    made = [authority(signer(f"at once {number}")) for number in range(4)]
    threads = [threading.Thread(target=stage, args=(begun, item, NOW)) for item in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kept(begun)
    assert found.active in made
    assert len(found.old) == 4
    assert len(published(begun)) == 5


def test_the_key_is_not_among_the_certificates(begun: Home, tmp_path: Path) -> None:
    pem = begun.ca_file.read_bytes()
    assert certificates_in(pem).count(b"BEGIN") == 1
    assert b"PRIVATE" not in certificates_in(pem)


@contextmanager
def unwritable(file: Path) -> Iterator[None]:
    """As a disk that is full has it, at this file alone: what it would be replaced by can't be made."""
    obstacle = file.with_name(f".{file.name}.{os.getpid()}")
    obstacle.mkdir()
    yield
    obstacle.rmdir()


def everything(home: Home) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in home.ca.iterdir() if file.is_file()}


@pytest.mark.parametrize("waits", [False, True])
def test_one_that_was_refused_in_the_middle_never_signs_later(begun: Home, another: Authority, waits: bool) -> None:
    if waits:
        stage(begun, authority(signer("patient")), NOW + DAY)
    before = everything(begun)
    with unwritable(begun.ca_file), pytest.raises(ConfigError):
        stage(begun, another, NOW)
    assert everything(begun) == before
    ensure_ca(begun)
    assert take_over(begun, NOW + DAY / 2) is None
    assert everything(begun) == before


def test_one_that_signs_although_the_rest_failed_goes_on(begun: Home, another: Authority) -> None:
    first = signing(begun)
    stage(begun, another, NOW + DAY)
    with unwritable(begun.ca_certificate), pytest.raises(ConfigError):
        take_over(begun, NOW + DAY)
    assert signing(begun) == another
    ensure_ca(begun)
    assert set(published(begun)) == {another.id, first.id}


def test_a_retirement_that_failed_can_be_tried_again(begun: Home, another: Authority) -> None:
    first = signing(begun)
    stage(begun, another, NOW)
    with unwritable(begun.ca_certificate), pytest.raises(ConfigError):
        retire(begun, lambda _: True)
    assert retire(begun, lambda _: True) == [first.id]
    assert published(begun) == [another.id]


def test_who_holds_the_ca_and_was_halted_halts_nobody_else(begun: Home, another: Authority) -> None:
    stage(begun, another, NOW + DAY)
    with begun.ca_lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another command is changing the CA"):
            take_over(begun, NOW + DAY)
    assert take_over(begun, NOW + DAY) == another
