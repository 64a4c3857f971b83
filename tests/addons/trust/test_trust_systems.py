"""How systems are told: the commands as they are typed, and on Debian what becomes of them."""

import json
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
from tests.addons.trust.pki import Signer, signer

ONE = Anchor(id="0123456789ab", file=Path("/h o/midwatch-0123456789ab.crt"), sha1="ab" * 20)
TWO = Anchor(id="ba9876543210", file=Path("/h/midwatch-ba9876543210.crt"), sha1="cd" * 20)
FILES = Files(certificate=Path("/h/ca.pem"), bundle=Path("/h/all.pem"), anchors=(ONE, TWO))

LOCAL, ANCHORS = "/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"
SUSE, ARCH = "/etc/pki/trust/anchors", "/etc/ca-certificates/trust-source/anchors"
KEYCHAIN = "/Library/Keychains/System.keychain"
BOTH = "'/h o/midwatch-0123456789ab.crt' /h/midwatch-ba9876543210.crt"


def clear(folder: str) -> str:
    return f"sudo find {folder} -name 'midwatch-*.crt' -delete"


ADDING = {
    "debian": [clear(LOCAL), f"sudo install -m 644 {BOTH} {LOCAL}", "sudo update-ca-certificates"],
    "alpine": [clear(LOCAL), f"sudo install -m 644 {BOTH} {LOCAL}", "sudo update-ca-certificates"],
    "fedora": [clear(ANCHORS), f"sudo install -m 644 {BOTH} {ANCHORS}", "sudo update-ca-trust extract"],
    "suse": [clear(SUSE), f"sudo install -m 644 {BOTH} {SUSE}", "sudo update-ca-certificates"],
    "arch": [clear(ARCH), f"sudo install -m 644 {BOTH} {ARCH}", "sudo update-ca-trust"],
    "macos": [
        f"sudo security add-trusted-cert -d -r trustRoot -k {KEYCHAIN} '/h o/midwatch-0123456789ab.crt'",
        f"sudo security add-trusted-cert -d -r trustRoot -k {KEYCHAIN} /h/midwatch-ba9876543210.crt",
    ],
    "windows": [
        'certutil -addstore -f Root "/h o/midwatch-0123456789ab.crt"',
        "certutil -addstore -f Root /h/midwatch-ba9876543210.crt",
    ],
}
REMOVING = {
    "debian": [clear(LOCAL), "sudo update-ca-certificates --fresh"],
    "alpine": [clear(LOCAL), "sudo update-ca-certificates"],
    "fedora": [clear(ANCHORS), "sudo update-ca-trust extract"],
    "suse": [clear(SUSE), "sudo update-ca-certificates"],
    "arch": [clear(ARCH), "sudo update-ca-trust"],
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


def test_a_console_of_windows_is_told_in_words_that_it_reads() -> None:
    """Neither cmd nor PowerShell takes a path in single quotes for what it is, where a POSIX shell wants them."""
    step = Step(("certutil", "-addstore", "-f", "Root", r"C:\Users\Jo\midwatch-1.crt"), windows=True)
    assert step.shown() == r"certutil -addstore -f Root C:\Users\Jo\midwatch-1.crt"


@pytest.mark.parametrize(
    ("platform", "os_release", "name"),
    [
        ("linux", "ID=debian\n", "debian"),
        ("linux", 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"),
        ("linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("linux", "ID=fedora\nVARIANT_ID=debian\n", "fedora"),
        ("linux", "ID=alpine\n", "alpine"),
        ("linux", 'ID="amzn"\nID_LIKE="fedora"\n', "fedora"),
        ("linux", "ID=azurelinux\n", "fedora"),
        ("linux", 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "suse"),
        ("linux", 'ID="sles"\nID_LIKE="suse"\n', "suse"),
        ("linux", "ID=arch\n", "arch"),
        ("linux", "ID=manjaro\nID_LIKE=arch\n", "arch"),
        ("linux", "ID=nixos\n", None),
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
    if os.geteuid() != 0:
        return False
    try:
        tried = ["unshare", "-m", "mount", "--bind", "/etc/ssl", "/etc/ssl"]
        return subprocess.run(tried, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


NEEDS_A_NAMESPACE = pytest.mark.skipif(not can_mount(), reason="root: a mount namespace is needed")


@NEEDS_A_NAMESPACE
@pytest.mark.skipif(shutil.which("update-ca-certificates") is None, reason="this is about Debian's own command")
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


# Another system's /etc over ours, and a command that does as its own: one file of what is public and of all anchors.
IN_ANOTHER_SYSTEM = """
set -eu
base=$1; os_release=$2; folder=$3; bundle=$4
shift 4
cp -a /etc "$base/etc"
rm -rf "$base/etc/os-release" "$base/etc/ssl" "$base/etc/pki"
printf %s "$os_release" >"$base/etc/os-release"
mount --bind "$base/etc" /etc
mkdir -p "$(dirname "$bundle")"
case $folder in
    /usr/*) mkdir -p "$base/local"; mount --bind "$base/local" "$folder" ;;
    *) mkdir -p "$folder" ;;
esac
touch "$folder/another.crt" "$folder/midwatch-retired.crt"
exec "$@"
"""
MAKES_IT_ANEW = """#!/bin/sh
echo "asked: $0 $*" >>"{log}"
[ "$#" -eq {words} ] || exit 64
cat "{public}" "{folder}"/*.crt >"{bundle}.new" && mv "{bundle}.new" "{bundle}"
"""
TOLD = """
import json, os, sys
from pathlib import Path
from midwatch.cli import main
from midwatch.trust.trying import tries

port, folder, bundle = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def trusted():
    return tries(os.environ)[f"the system ({bundle})"](port).trusts

told = []
for words in ([], ["--undo"]):
    code = main(["ca", "trust", "--system", "--do", *words])
    told.append([code, trusted(), {file.name[:9]: file.stat().st_mode & 0o777 for file in sorted(folder.iterdir())}])
sys.stdout.flush()
print(json.dumps(told))
"""
FAMILIES = [
    ("ID=fedora\n", ANCHORS, "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "update-ca-trust extract"),
    ("ID=alpine\n", LOCAL, "/etc/ssl/certs/ca-certificates.crt", "update-ca-certificates"),
    ('ID="sles"\nID_LIKE="suse"\n', SUSE, "/etc/ssl/ca-bundle.pem", "update-ca-certificates"),
    ("ID=arch\n", ARCH, "/etc/ssl/certs/ca-certificates.crt", "update-ca-trust"),
]


@NEEDS_A_NAMESPACE
@pytest.mark.parametrize(
    ("os_release", "folder", "bundle", "command"), FAMILIES, ids=["fedora", "alpine", "suse", "arch"]
)
def test_another_system_s_folder_is_filled_and_its_file_looked_at(
    tmp_path: Path, root: Signer, os_release: str, folder: str, bundle: str, command: str
) -> None:
    home, programs, log = tmp_path / "home", tmp_path / "programs", tmp_path / "log"
    home.mkdir()
    programs.mkdir()
    pair, public = tmp_path / "ca.pem", tmp_path / "public.pem"
    pair.write_bytes(root.pem + root.key_pem)
    pair.chmod(0o600)
    public.write_bytes(signer("somebody public").pem)
    (home / "config.yaml").write_text(f"tls: {{ca: [{pair}]}}\n")
    program = programs / command.split()[0]
    words = len(command.split()) - 1
    program.write_text(MAKES_IT_ANEW.format(log=log, words=words, public=public, folder=folder, bundle=bundle))
    program.chmod(0o755)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("MIDWATCH_", "SSL_CERT"))}
    environ |= {"MIDWATCH_HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
    with shown(read_authority(pair.read_bytes(), "test"), HOST) as port:
        told = [sys.executable, "-c", TOLD, str(port), folder, bundle]
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", IN_ANOTHER_SYSTEM, "sh", str(tmp_path), os_release, folder, bundle, *told],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=environ,
        )
    assert done.returncode == 0, done.stderr
    # What was retired is gone, another's file is left alone, ours can be read by all.
    added, removed = json.loads(done.stdout.splitlines()[-1])
    assert added == [0, True, {"another.c": 0o644, "midwatch-": 0o644}]
    assert removed == [0, False, {"another.c": 0o644}]
    assert log.read_text().splitlines() == [f"asked: {programs}/{command} ".rstrip() + ("" if words else " ")] * 2
