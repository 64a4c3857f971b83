"""Certificates: one CA with a private key file, and bundles in which it stands beside the public ones."""

import os
import ssl
from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.simulated import SimulatedCA
from midwatch.trust import ensure_ca, public_cas, write_client_bundle, write_upstream_bundle
from midwatch_core.errors import ConfigError
from tests.addons.trust.pki import signer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("trust") / "home")
    made.prepare()
    ensure_ca(made)
    return made


def names(bundle: Path) -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(bundle))
    return [str(dict(part[0] for part in found["subject"]).get("commonName")) for found in context.get_ca_certs()]  # type: ignore[misc]


def test_the_ca_is_made_once_and_its_key_is_private(home: Home) -> None:
    before = home.ca_certificate.read_bytes()
    ensure_ca(home)
    assert home.ca_certificate.read_bytes() == before
    assert b"PRIVATE" not in before
    assert (home.ca / "mitmproxy-ca.pem").stat().st_mode & 0o777 == 0o600


def test_a_client_trusts_ours_and_the_public_ones(home: Home) -> None:
    found = names(write_client_bundle(home))
    assert "Midwatch CA" in found
    assert len(found) > 1
    for file in (home.client_bundle, home.java_store):  # a container reads them as another user
        assert file.stat().st_mode & 0o777 == 0o644
    assert home.java_store.stat().st_size > 0


def test_a_providers_ca_stands_beside_the_public_ones(home: Home, tmp_path: Path) -> None:
    write_upstream_bundle(home, SimulatedCA(tmp_path).ca_file)
    found = names(home.upstream_bundle)
    assert any("imulated" in name for name in found)
    assert "Midwatch CA" not in found
    assert len(found) > 1


@pytest.mark.parametrize("content", [b"", b"no pem", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_file_of_certificates_is_named(home: Home, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "extra.pem"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"upstream_ca: .*extra.pem: .*expected a file of PEM certificates"):
        write_upstream_bundle(home, file)


def test_a_file_that_is_not_there_or_has_no_end_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"upstream_ca: .*absent.pem: No such file"):
        write_upstream_bundle(home, tmp_path / "absent.pem")
    endless = tmp_path / "endless.pem"
    with endless.open("wb") as opened:
        opened.truncate(10**10)
    with pytest.raises(ConfigError, match=r"upstream_ca: .*endless.pem: more than 4 megabytes"):
        write_upstream_bundle(home, endless)


def test_the_bundle_that_the_user_names_is_the_public_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(b"own")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert public_cas() == b"own"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    assert b"BEGIN CERTIFICATE" in public_cas()


def test_of_a_provider_s_file_the_certificates_alone_are_taken(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "extra.pem"
    own = signer("Société Générale")
    file.write_bytes("Autorité de la Société\n".encode() + own.key_pem + own.pem)
    write_upstream_bundle(home, file)
    assert "Société Générale" in names(home.upstream_bundle)
    assert b"PRIVATE" not in home.upstream_bundle.read_bytes()


def test_a_bundle_that_can_t_be_written_is_named(home: Home) -> None:
    obstacle = home.run / f".client-ca.pem.{os.getpid()}"
    obstacle.mkdir()
    with pytest.raises(ConfigError, match=r"client-ca\.pem: "):
        write_client_bundle(home)
    obstacle.rmdir()
