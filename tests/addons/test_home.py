"""The home: private folders, one hash key, a socket path that fits, and an error that names what can't be written."""

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from midwatch.home import Home, write_private
from midwatch_core.errors import ConfigError


def test_nothing_is_made_before_prepare(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.snapshot.is_relative_to(home.root)
    assert not home.root.exists()


def test_folders_are_private_and_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.prepare()
    key = home.hash_key()
    home.prepare()
    for folder in (home.root, home.journal, home.ca, home.run):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert home.hash_key() == key
    assert home.hash_key_file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in home.root.iterdir()) == ["ca", "hash.key", "journal", "run"]


def test_processes_that_start_together_have_one_key(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with ThreadPoolExecutor(1) as pool:  # threads of one process share a pid: one after the other, each anew
        assert len(set(pool.map(lambda _: Home(tmp_path).hash_key(), range(8)))) == 1
    assert len(home.hash_key()) == 32


@pytest.mark.parametrize("inside", ["file/home", "file"])
def test_a_home_that_cannot_be_is_named(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=rf"--home .*{inside}: .*; choose a folder that can be written"):
        Home(tmp_path / inside).prepare()


def test_the_socket_is_in_the_home_where_its_path_fits() -> None:
    assert Home(Path("/home/me/.midwatch")).control_socket == Path("/home/me/.midwatch/run/control.sock")


def test_a_deep_home_has_its_socket_elsewhere_and_of_its_own(tmp_path: Path) -> None:
    one, other = (Home(tmp_path / ("deep" * 40) / name) for name in ("one", "other"))
    assert len(str(one.control_socket)) < 100
    assert one.control_socket != other.control_socket
    assert one.control_socket.parent.name.startswith("midwatch-")


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_that_is_full_leaves_the_old_file_and_no_part_of_the_new(tmp_path: Path) -> None:
    file = tmp_path / "key"
    write_private(file, b"old", durable=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_private(file, b"new and secret" * 10, durable=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (b"old", [file])


def test_what_is_no_secret_is_never_there_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_private(tmp_path / "certificate", b"public", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "certificate").stat().st_mode & 0o777 == 0o644
