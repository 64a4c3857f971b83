"""Certificates that servers ask for: checked before anything starts, linked and never copied."""

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from midwatch.home import Home
from midwatch.server_certificates import certificates_folder, check_server_certificates
from midwatch_core.errors import ConfigError
from tests.e2e.certified import ClientCA


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> ClientCA:
    return ClientCA(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture
def good(authority: ClientCA, tmp_path: Path) -> Path:
    file = tmp_path / "certificates" / "good.example.pem"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_bytes(authority.client("good").read_bytes())
    return file


def test_none_is_fine(tmp_path: Path) -> None:
    check_server_certificates(None)
    assert certificates_folder(Home(tmp_path), None) is None


def test_one_that_is_whole_is_taken_in_silence(good: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_server_certificates({"llm.example": good})
        check_server_certificates(good.parent)
    assert [record.message for record in caplog.records if "good" in record.message] == []


def test_one_that_others_may_read_is_warned_of(authority: ClientCA, caplog: pytest.LogCaptureFixture) -> None:
    file = authority.client("open")
    file.chmod(0o644)
    check_server_certificates({"llm.example": file})
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize("kind", ["absent", "empty", "only a certificate", "another's key", "a passphrase"])
def test_what_can_not_be_shown_is_refused(kind: str, authority: ClientCA, good: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    whole, other = good.read_bytes(), authority.client("other").read_bytes()
    end = whole.index(b"-----BEGIN PRIVATE KEY-----")
    texts = {
        "empty": b"",
        "only a certificate": whole[:end],
        "another's key": whole[:end] + other[other.index(b"-----BEGIN PRIVATE KEY-----") :],
        "a passphrase": whole[:end] + _sealed(whole[end:]),
    }
    if kind in texts:
        file.write_bytes(texts[kind])
    with pytest.raises(
        ConfigError, match=r"upstream\.client_certificates: llm\.example: .*x\.pem: .*passphrase"
    ) as caught:
        check_server_certificates({"llm.example": file})
    assert "BEGIN" not in str(caught.value)


def _sealed(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, None)
    shape = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, shape, serialization.BestAvailableEncryption(b"word"))


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"upstream\.client_certificates: .*absent: no folder"):
        check_server_certificates(tmp_path / "absent")


def test_a_folder_is_taken_as_it_is(good: Path, tmp_path: Path) -> None:
    assert certificates_folder(Home(tmp_path), good.parent) == good.parent


def test_files_are_linked_where_mitmproxy_looks(good: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    given = {"llm.example": good, "10.0.0.7": good}
    folder = certificates_folder(home, given)
    assert folder is not None
    assert {item.name: item.readlink() for item in folder.iterdir()} == {
        "llm.example.pem": good,
        "10.0.0.7.pem": good,
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    assert certificates_folder(home, given) == folder  # another worker
    assert certificates_folder(home, {"llm.example": good}) != folder  # other settings: what is gone is not shown
