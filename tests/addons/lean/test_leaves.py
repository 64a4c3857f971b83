"""Leaves: as stock's but for the key, made once, and forgotten in the order in which they were asked for."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from mitmproxy import certs

from midwatch.lean import leaves
from midwatch.lean.leaves import Leaves


def names(*hosts: str) -> list[x509.GeneralName]:
    return [x509.DNSName(host) for host in hosts]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> certs.CertStore:
    folder = tmp_path_factory.mktemp("ca")
    certs.CertStore.create_store(folder, "mitmproxy", 2048)
    return certs.CertStore.from_store(folder, "mitmproxy", 2048)


@pytest.fixture
def store(stock: certs.CertStore) -> Leaves:
    return Leaves(stock.default_privatekey, stock.default_ca, None, stock.default_crl, stock.dhparams)


def test_a_leaf_says_what_stock_says(stock: certs.CertStore, store: Leaves) -> None:
    asked = ("api.example.org", names("api.example.org", "*.example.org"), "Example", "http://crl.example.org/x")
    theirs, ours = (each.get_cert(*asked).cert.to_cryptography() for each in (stock, store))
    assert (ours.subject, ours.issuer, list(ours.extensions)) == (
        theirs.subject,
        theirs.issuer,
        list(theirs.extensions),
    )
    assert (ours.not_valid_after_utc - theirs.not_valid_after_utc).total_seconds() < 60
    ours.verify_directly_issued_by(stock.default_ca.to_cryptography())


def test_its_key_is_of_a_curve_and_not_the_ca_s(stock: certs.CertStore, store: Leaves) -> None:
    entry = store.get_cert("a.example", names("a.example"))
    assert isinstance(stock.default_privatekey, rsa.RSAPrivateKey)
    assert isinstance(entry.privatekey, ec.EllipticCurvePrivateKey)
    assert entry.privatekey.public_key() == entry.cert.to_cryptography().public_key()


def test_it_is_made_once_for_all_that_it_says(store: Leaves) -> None:
    first = store.get_cert("a.example", names("a.example"))
    assert store.get_cert("a.example", iter(names("a.example"))) is first
    assert store.get_cert("a.example", names("a.example"), "Example") is not first
    assert store.get_cert("a.example", names("a.example", "b.example")) is not first


def test_of_too_many_the_one_not_asked_for_longest_goes(store: Leaves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "MOST", 2)
    kept, gone = (store.get_cert(host, names(host)) for host in ("kept.example", "gone.example"))
    assert store.get_cert("kept.example", names("kept.example")) is kept
    store.get_cert("new.example", names("new.example"))
    assert store.get_cert("kept.example", names("kept.example")) is kept
    assert store.get_cert("gone.example", names("gone.example")) is not gone
