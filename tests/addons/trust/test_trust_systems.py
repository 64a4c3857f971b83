"""How systems are told: the commands as they are typed, and on Debian what becomes of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from midwatch.trust.authority import pem_of, read_authority
from midwatch.trust.showing import shown
from midwatch.trust.steps import Anchor, Files, Step
from midwatch.trust.systems import name_of_system, systems
from midwatch.trust.trying import HOST, tries
from tests.addons.trust.pki import Signer

ONE = Anchor(id="0123456789ab", file=Path("/h o/midwatch-0123456789ab.crt"), sha1="ab" * 20)
TWO = Anchor(id="ba9876543210", file=Path("/h/midwatch-ba9876543210.crt"), sha1="cd" * 20)
FILES = Files(certificate=Path("/h/ca.pem"), bundle=Path("/h/all.pem"), anchors=(ONE, TWO))

LOCAL, ANCHORS = "/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"
KEYCHAIN = "/Library/Keychains/System.keychain"
BOTH = "'/h o/midwatch-0123456789ab.crt' /h/midwatch-ba9876543210.crt"


def clear(folder: str) -> str:
    return f"sudo find {folder} -name 'midwatch-*.crt' -delete"


ADDING = {
    "debian": [clear(LOCAL), f"sudo install -m 644 {BOTH} {LOCAL}", "sudo update-ca-certificates"],
    "alpine": [clear(LOCAL), f"sudo install -m 644 {BOTH} {LOCAL}", "sudo update-ca-certificates"],
    "fedora": [clear(ANCHORS), f"sudo install -m 644 {BOTH} {ANCHORS}", "sudo update-ca-trust extract"],
    "macos": [
        f"sudo security add-trusted-cert -d -r trustRoot -k {KEYCHAIN} '/h o/midwatch-0123456789ab.crt'",
        f"sudo security add-trusted-cert -d -r trustRoot -k {KEYCHAIN} /h/midwatch-ba9876543210.crt",
    ],
    "windows": [
        "certutil -addstore -f Root '/h o/midwatch-0123456789ab.crt'",
        "certutil -addstore -f Root /h/midwatch-ba9876543210.crt",
    ],
}
REMOVING = {
    "debian": [clear(LOCAL), "sudo update-ca-certificates --fresh"],
    "alpine": [clear(LOCAL), "sudo update-ca-certificates"],
    "fedora": [clear(ANCHORS), "sudo update-ca-trust extract"],
    "macos": [
        "sudo security remove-trusted-cert -d '/h o/midwatch-0123456789ab.crt'",
        f"sudo security delete-certificate -Z {'ab' * 20} {KEYCHAIN}",
        "sudo security remove-trusted-cert -d /h/midwatch-ba9876543210.crt",
        f"sudo security delete-certificate -Z {'cd' * 20} {KEYCHAIN}",
    ],
    "windows": [f"certutil -delstore Root {'ab' * 20}", f"certutil -delstore Root {'cd' * 20}"],
}


def test_each_system_has_its_commands_and_those_that_undo_them() -> None:
    ways = systems(FILES)
    assert {way.name: [step.shown() for step in way.adding] for way in ways} == ADDING
    assert {way.name: [step.shown() for step in way.removing] for way in ways} == REMOVING


def test_root_needs_no_sudo() -> None:
    step = Step(("update-ca-certificates",), root=True)
    assert (step.run_as(am_root=True), step.run_as(am_root=False)[0]) == (("update-ca-certificates",), "sudo")
    assert Step(("git", "config"), root=False).run_as(am_root=False)[0] == "git"


@pytest.mark.parametrize(
    ("platform", "os_release", "name"),
    [
        ("linux", "ID=debian\n", "debian"),
        ("linux", 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"),
        ("linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("linux", "ID=fedora\nVARIANT_ID=debian\n", "fedora"),
        ("linux", "ID=alpine\n", "alpine"),
        ("linux", "ID=arch\n", None),
        ("linux", "", None),
        ("darwin", "", "macos"),
        ("win32", "", "windows"),
    ],
)
def test_this_system_is_known_by_what_it_says_of_itself(platform: str, os_release: str, name: str | None) -> None:
    assert name_of_system(platform, os_release) == name


# In a mount namespace of its own: what is changed there is gone with the process, and nobody else sees it.
IN_A_COPY = """
set -eu
for folder in /etc/ssl/certs /usr/local/share/ca-certificates; do
    copy=$(mktemp -d "$1/copy-XXXX")
    cp -a "$folder/." "$copy/"
    mount --bind "$copy" "$folder"
done
if [ -d /etc/ca-certificates/update.d ]; then  # what other packages make of it is theirs, and takes its time
    mount --bind "$(mktemp -d "$1/none-XXXX")" /etc/ca-certificates/update.d
fi
shift
exec "$@"
"""
COMMANDS = """
import json, os, sys
from midwatch.cli import main
from midwatch.trust.trying import tries

def trusted(port):
    return tries(os.environ)["the system (openssl)"](port).trusts

port = int(sys.argv[1])
told = [trusted(port)]
for words in (["--do"], ["--do"], ["--do", "--undo"]):
    code = main(["ca", "trust", "--system", *words])
    told.append((code, trusted(port)))
sys.stdout.flush()
print(json.dumps(told))
"""


def can_mount() -> bool:
    if os.geteuid() != 0 or shutil.which("update-ca-certificates") is None:
        return False
    try:
        tried = ["unshare", "-m", "mount", "--bind", "/etc/ssl", "/etc/ssl"]
        return subprocess.run(tried, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="root: a mount namespace is needed, and Debian's update-ca-certificates")
def test_debian_trusts_it_when_it_is_done_and_not_when_it_is_undone(
    tmp_path: Path, root: Signer, intermediate: Signer
) -> None:
    files = []
    for name, pem in (("tls.crt", intermediate.pem + root.pem), ("tls.key", intermediate.key_pem)):
        files.append(tmp_path / name)
        files[-1].write_bytes(pem)
        files[-1].chmod(0o600)
    config = tmp_path / "config.yaml"
    config.write_text(f"tls: {{ca: [{files[0]}, {files[1]}]}}\n")
    home = tmp_path / "home"
    home.mkdir()
    config.rename(home / "config.yaml")
    found = read_authority(b"".join(file.read_bytes() for file in files), "test")
    before = sorted(Path("/etc/ssl/certs").iterdir())
    with shown(found, HOST) as port:
        command = [
            "unshare",
            "-m",
            "sh",
            "-c",
            IN_A_COPY,
            "sh",
            str(tmp_path),
            sys.executable,
            "-c",
            COMMANDS,
            str(port),
        ]
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("MIDWATCH_", "SSL_CERT"))}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**environ, "MIDWATCH_HOME": str(home)},
        )
        outside = tries(environ)["the system (openssl)"](port)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[false, [0, true], [0, true], [0, false]]", done.stdout + done.stderr
    assert "+ update-ca-certificates --fresh" in done.stdout
    assert outside.trusts is False
    assert sorted(Path("/etc/ssl/certs").iterdir()) == before
    assert pem_of(root.certificate) == (home / "run" / "given-ca-cert.pem").read_bytes()
