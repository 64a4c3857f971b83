"""A CA read from PEM: its parts in any order, its chain put together, and what can't sign refused with the reason."""

import os
import re
import subprocess
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from midwatch.trust.authority import Authority, check_dates, read_authority
from midwatch.trust.showing import shown
from midwatch.trust.trying import HOST, tries
from midwatch_core.errors import ConfigError
from tests.addons.trust.pki import DAY, Signer, curve_key, rsa_key, signer


def read(*parts: bytes, **options: object) -> Authority:
    return read_authority(b"some words\n".join(parts), "ca.pem", **options)  # type: ignore[arg-type]


def refused(*parts: bytes, **options: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read(*parts, **options)
    told = str(caught.value)
    assert told.startswith("ca.pem: ")
    assert "PRIVATE" not in told
    return told


@pytest.mark.parametrize("order", range(6))
def test_parts_come_in_any_order_with_words_between(root: Signer, intermediate: Signer, order: int) -> None:
    parts = list(permutations([intermediate.key_pem, intermediate.pem, root.pem]))[order]
    found = read(*parts)
    assert (found.certificate, found.chain, found.anchor, found.others) == (
        intermediate.certificate,
        (root.certificate,),
        root.certificate,
        (),
    )
    assert read(found.pem()) == found


def test_a_root_is_its_own_anchor() -> None:
    own = signer("alone", key=rsa_key())
    found = read(own.key_pem, own.pem)
    assert (found.anchor, found.chain) == (own.certificate, ())


def test_a_chain_has_as_many_links_as_it_needs(root: Signer) -> None:
    upper = signer("upper", root, path_length=1)
    lower = signer("lower", upper, path_length=0)
    found = read(root.pem, lower.key_pem, lower.pem, upper.pem)
    assert found.chain == (upper.certificate, root.certificate)
    assert found.ends == min(item.certificate.not_valid_after_utc for item in (root, upper, lower))


def test_the_key_is_in_no_repr(root: Signer) -> None:
    assert "key" not in repr(read(root.key_pem, root.pem))


def test_a_root_that_this_machine_trusts_need_not_be_given(root: Signer, intermediate: Signer) -> None:
    assert "'CN=Acme root'" in refused(intermediate.key_pem, intermediate.pem)
    assert read(intermediate.key_pem, intermediate.pem, known=[root.certificate]).anchor == root.certificate


def test_a_namesake_s_signature_is_none(intermediate: Signer) -> None:
    other = signer("Acme root")
    assert "the chain is not complete" in refused(intermediate.key_pem, intermediate.pem, other.pem)


def test_of_a_renewed_certificate_the_later_counts(root: Signer) -> None:
    renewed = signer("Acme root", key=root.key, lasts=2000 * DAY)
    assert read(root.pem, root.key_pem, renewed.pem).certificate == renewed.certificate


def test_other_cas_are_kept_apart(root: Signer) -> None:
    other = signer("another")
    assert read(root.key_pem, root.pem, other.pem).others == (other.certificate,)


@pytest.mark.parametrize(
    ("key", "certificate", "says"),
    [
        (True, False, "the private key belongs to no certificate that was given (none)"),
        (False, True, "expected one private key in PEM, found 0"),
    ],
)
def test_a_part_that_is_missing_is_named(root: Signer, key: bool, certificate: bool, says: str) -> None:
    assert says in refused(*([root.key_pem] if key else []), *([root.pem] if certificate else []))


def test_another_s_key_is_refused(root: Signer, intermediate: Signer) -> None:
    assert "belongs to no certificate that was given (CN=Acme root)" in refused(intermediate.key_pem, root.pem)


def test_two_keys_are_one_too_many(root: Signer, intermediate: Signer) -> None:
    assert "found 2" in refused(intermediate.key_pem, root.key_pem, root.pem)


def test_an_encrypted_key_wants_its_passphrase(root: Signer) -> None:
    locked = root.locked(b"open sesame")
    assert "is encrypted" in refused(locked, root.pem)
    assert "the passphrase is wrong" in refused(locked, root.pem, password=b"shut")
    assert read(locked, root.pem, password=b"open sesame").certificate == root.certificate
    assert read(root.key_pem, root.pem, password=b"for nothing").certificate == root.certificate


def test_what_can_t_sign_for_servers_is_refused_with_the_reason() -> None:
    clients_only = signer("clients", purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    for wrong, says in (
        (signer("leaf", ca=False), "is no CA"),
        (signer("mute", signs=False), "keyUsage lacks keyCertSign"),
        (clients_only, "extendedKeyUsage lacks serverAuth"),
        (signer("short", key=rsa_key(1024)), "RSA from 2048 bits on"),
    ):
        assert says in refused(wrong.key_pem, wrong.pem)
    servers = signer("servers", purposes=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH))
    assert read(servers.key_pem, servers.pem).certificate == servers.certificate


def test_a_ca_below_one_that_allows_none_is_refused() -> None:
    strict = signer("strict", path_length=0)
    below = signer("below", strict)
    assert "allows 0 CAs below it" in refused(below.key_pem, below.pem, strict.pem)


@pytest.mark.parametrize("kind", ["CERTIFICATE", "PRIVATE KEY"])
def test_damaged_blocks_are_refused_without_their_content(root: Signer, kind: str) -> None:
    bad = f"-----BEGIN {kind}-----\nAAAAc2VjcmV0AAAA\n-----END {kind}-----\n".encode()
    told = refused(*([bad, root.pem] if "KEY" in kind else [root.key_pem, bad]))
    assert "AAAAc2" not in told


def test_more_certificates_than_a_chain_has_are_refused(root: Signer) -> None:
    assert "more than 32 certificates" in refused(root.key_pem, root.pem * 33)


def test_dates_are_looked_at_for_the_whole_chain(root: Signer) -> None:
    now = datetime.now(UTC)
    late, over = signer("late", begins=3 * DAY), signer("over", lasts=3 * DAY)
    below = signer("below", over, key=curve_key())
    check_dates(read(root.key_pem, root.pem), now, "x")
    for parts, at, says in (
        ((late.key_pem, late.pem), now, "holds from"),
        ((over.key_pem, over.pem), now + 4 * DAY, "expired on"),
        ((below.key_pem, below.pem, over.pem), now + 4 * DAY, "expired on"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_dates(read(*parts), at, "x")


def test_a_ca_below_one_that_clients_would_not_take_is_refused() -> None:
    mute = signer("mute", signs=False)
    clients_only = signer("clients", purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    for above, says in ((mute, "CN=mute may not sign certificates"), (clients_only, "CN=clients may not sign for")):
        below = signer("below", above)
        assert says in refused(below.key_pem, below.pem, above.pem)


def openssl(*words: str | Path) -> None:
    subprocess.run(("openssl", *words), check=True, capture_output=True)


@pytest.fixture(scope="module", params=["sha1", "md5"])
def outdated(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A root that signed itself with a digest of old, and a CA below it with another such signature."""
    folder = tmp_path_factory.mktemp("outdated")
    root, root_key = folder / "root.pem", folder / "root.key"
    own, own_key, asked = folder / "own.pem", folder / "own.key", folder / "own.csr"
    made = ("-newkey", "rsa:2048", "-nodes")
    signs = ("-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *made, *signs, "-subj", "/CN=old", f"-{request.param}", "-keyout", root_key, "-out", root)
    openssl("req", *made, "-subj", "/CN=below", "-keyout", own_key, "-out", asked)
    extensions = folder / "extensions"
    extensions.write_text("basicConstraints=critical,CA:TRUE\n")
    by = ("-CA", root, "-CAkey", root_key, "-CAcreateserial", "-extfile", extensions)
    openssl("x509", "-req", "-in", asked, *by, f"-{request.param}", "-out", own)
    return folder


def test_how_a_root_signed_itself_concerns_nobody(outdated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read((outdated / "root.key").read_bytes(), (outdated / "root.pem").read_bytes())
    assert found.chain == ()
    monkeypatch.setenv("SSL_CERT_FILE", str(outdated / "root.pem"))
    with shown(found, HOST) as port:
        assert tries(os.environ)["Python"](port).trusts is True


def test_who_is_signed_with_a_digest_of_old_is_refused(outdated: Path) -> None:
    parts = [(outdated / name).read_bytes() for name in ("own.key", "own.pem", "root.pem")]
    assert re.search(r"CN=below is signed with (sha1|md5), which clients refuse", refused(*parts))
