"""The CA of `tls.ca`: files from outside, read where they are; what everybody may read is refused."""

import logging
from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.trust import ensure_ca
from midwatch.trust.authority import id_of
from midwatch.trust.given import read_given
from midwatch.trust.publishing import published
from midwatch_core.config import load_config
from midwatch_core.errors import ConfigError
from tests.addons.trust.pki import Signer, signer


@pytest.fixture
def secret(tmp_path: Path, root: Signer, intermediate: Signer) -> tuple[Path, ...]:
    """As cert-manager fills a Secret, and as a pod sees it: links through a folder that is replaced at once."""
    data = tmp_path / "..data"
    data.mkdir()
    for name, pem in (("tls.crt", intermediate.pem), ("tls.key", intermediate.key_pem), ("ca.crt", root.pem)):
        (data / name).write_bytes(pem)
        (data / name).chmod(0o440)
        (tmp_path / name).symlink_to(Path("..data") / name)
    return tuple(tmp_path / name for name in ("tls.crt", "tls.key", "ca.crt"))


def test_its_root_is_published_and_its_key_stays_where_it_is(
    home: Home, secret: tuple[Path, ...], root: Signer, intermediate: Signer
) -> None:
    ensure_ca(home, secret)
    assert [id_of(item) for item in published(home)] == [id_of(root.certificate)]
    assert read_given(secret).certificate == intermediate.certificate
    line = intermediate.key_pem.splitlines()[1]
    assert [file for file in home.root.rglob("*") if file.is_file() and line in file.read_bytes()] == []
    assert list(home.ca.iterdir()) == []  # so that this folder may be read-only


def test_the_home_s_own_is_there_again_without_it(home: Home, secret: tuple[Path, ...]) -> None:
    ensure_ca(home)
    own = home.ca_certificate.read_bytes()
    ensure_ca(home, secret)
    assert home.ca_certificate.read_bytes() != own
    ensure_ca(home)
    assert home.ca_certificate.read_bytes() == own


def test_others_in_the_files_are_trusted_too(home: Home, secret: tuple[Path, ...], tmp_path: Path) -> None:
    coming = signer("coming")
    more = tmp_path / "more.pem"
    more.write_bytes(coming.pem)
    ensure_ca(home, (*secret, more))
    assert id_of(coming.certificate) in [id_of(item) for item in published(home)]


def test_a_key_for_everybody_is_refused_and_one_for_a_group_is_told_of(
    home: Home, secret: tuple[Path, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ensure_ca(home, secret)
    assert "tls.key: its group may read" in caplog.text
    secret[1].chmod(0o644)
    with pytest.raises(ConfigError, match=r"tls.ca: .*tls.key: everybody may read .*defaultMode: 0440"):
        ensure_ca(home, secret)
    secret[1].chmod(0o400)
    secret[0].chmod(0o644)  # certificates are for everybody
    ensure_ca(home, secret)


def test_what_is_wrong_names_the_setting_and_the_file(secret: tuple[Path, ...], tmp_path: Path) -> None:
    for files, says in (
        (secret[:2], "the chain is not complete"),
        (secret[1:2], "belongs to no certificate"),
        ((tmp_path / "absent.pem",), "absent.pem: No such file"),
    ):
        with pytest.raises(ConfigError, match=rf"^tls\.ca: .*{says}"):
            read_given(files)


def test_what_is_no_file_of_pem_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(ConfigError, match="more than a megabyte"):
        read_given((endless,))


@pytest.mark.parametrize("written", ["tls: {ca: a.pem}", "tls: {ca: [a.pem]}"])
def test_one_file_needs_no_list(tmp_path: Path, written: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(written)
    assert load_config(file=file, flags={}, environ={}).tls.ca == (Path("a.pem"),)
    assert load_config(file=None, flags={}, environ={"MIDWATCH_TLS__CA": "b.pem"}).tls.ca == (Path("b.pem"),)
