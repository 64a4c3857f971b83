"""Client certificates: only a chain that leads to the operator's CA says anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from midwatch.proxy.admission.certificates import ClientCertificates
from midwatch_core.errors import ConfigError
from tests.e2e.certified import ClientCA


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_a_chain_to_the_operator_s_ca_tells_its_subject(tmp_path: Path) -> None:
    ours = ClientCA(tmp_path / "ours")
    leaf = certificate(ours.client("build"))
    assert ClientCertificates.read(ours.file).subject([leaf], datetime.now(UTC)) == "CN=build,O=Acme"


def test_any_other_chain_tells_nothing(tmp_path: Path) -> None:
    ours, forged = ClientCA(tmp_path / "ours"), ClientCA(tmp_path / "forged")
    certificates, now = ClientCertificates.read(ours.file), datetime.now(UTC)
    theirs, own = certificate(forged.client("build")), certificate(ours.client("build", lasts=timedelta(days=1)))
    assert certificates.subject([], now) is None
    assert certificates.subject([theirs], now) is None
    assert certificates.subject([theirs, certificate(forged.file)], now) is None
    assert certificates.subject([own], now + timedelta(days=2)) is None  # the CA is still valid then
    longer = certificate(ours.client("night", lasts=timedelta(days=3)))
    assert certificates.subject([longer], now + timedelta(days=2)) == "CN=night,O=Acme"


def test_the_file_of_cas_is_read_or_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"identity\.client_ca"):
        ClientCertificates.read(file)
    with pytest.raises(ConfigError, match="No such file"):
        ClientCertificates.read(tmp_path / "absent.pem")
    with file.open("wb") as opened:
        opened.truncate(10**10)
    with pytest.raises(ConfigError, match=r"identity\.client_ca: .*more than 4 megabytes"):
        ClientCertificates.read(file)
