"""`ca`: what is shown, imported, rotated, retired, exported and told to others; a key is never printed."""

import asyncio
import json
import shlex
import shutil
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from midwatch.cli import main
from midwatch.cli.ca_checks import ca_checks
from midwatch.home import Home, write_private
from midwatch.settings import resolve, write_snapshot
from midwatch.trust import ensure_ca
from midwatch.trust.authority import Authority
from midwatch.trust.keeping import kept, signing
from midwatch.trust.making import new_authority
from midwatch.trust.pem import with_moment
from tests.addons.cli.administered import living_control
from tests.addons.trust.pki import DAY, Signer, signer
from tests.addons.trust.test_trust_keeping import NOW


class Printed(NamedTuple):
    out: str
    err: str


type Said = Callable[[], Printed]


@pytest.fixture(scope="module")
def made() -> Authority:
    """As a first start makes it: that takes a while, and once is enough."""
    return new_authority()


@pytest.fixture
def home(home: Home, made: Authority) -> Home:
    write_private(home.ca_file, made.pem())
    return home


@pytest.fixture(scope="module")
def root() -> Signer:
    return signer("Acme root")


@pytest.fixture
def files(tmp_path: Path, root: Signer) -> list[str]:
    """A company's intermediate in three files."""
    own = signer("Acme proxies", root, path_length=0)
    made = []
    for name, pem in (("root.pem", root.pem), ("proxies.pem", own.pem), ("proxies.key", own.key_pem)):
        file = tmp_path / name
        file.write_bytes(pem)
        file.chmod(0o600)
        made.append(str(file))
    return made


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """What was printed since it was asked last; never a key."""

    def read() -> Printed:
        found = Printed(*capfd.readouterr())
        assert "PRIVATE" not in found.out + found.err
        return found

    yield read
    read()


def rows(said: Said) -> list[dict[str, Any]]:
    """What was printed, as JSON lines."""
    return [json.loads(line) for line in said().out.splitlines()]


def subjects(file: Path) -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(file))
    return [str(part[0][1]) for found in context.get_ca_certs() for part in [found["subject"][0]]]


def test_alone_it_says_where_the_certificate_is_and_how_each_is_told(home: Home, said: Said) -> None:
    home.ca_file.unlink()  # made when it is asked for
    assert main(["ca"]) == 0
    told = said().out
    assert str(home.ca_certificate) in told
    for line in (f"curl --cacert {home.ca_certificate}", f"SSL_CERT_FILE={home.client_bundle}", "update-ca-trust"):
        assert line in told
    assert main(["ca", "--json"]) == 0
    (row,) = rows(said)
    assert (row["certificate"], "Java" in row["trust"]) == (str(home.ca_certificate), True)


def test_looking_writes_nothing_beside_the_key_so_that_its_folder_may_be_read_only(home: Home, said: Said) -> None:
    main(["ca"])
    before = home.ca.stat().st_mtime_ns, sorted(file.name for file in home.ca.iterdir())
    for words in ([], ["show"], ["trust"], ["export"]):
        assert main(["ca", *words]) == 0
    assert (home.ca.stat().st_mtime_ns, sorted(file.name for file in home.ca.iterdir())) == before
    assert before[1] == ["mitmproxy-ca-cert.pem", "mitmproxy-ca.pem"]


def test_import_signs_with_a_company_s_own_at_once_and_goes_on_publishing_the_old(
    home: Home, files: list[str], said: Said
) -> None:
    assert main(["ca", "import", *files]) == 0
    assert "Still published: " in said().out
    assert subjects(home.ca_certificate) == ["Acme root", "Midwatch CA"]
    assert stat.S_IMODE(home.ca_file.stat().st_mode) == 0o600
    assert main(["ca", "show", "--json"]) == 0
    using, old = rows(said)
    assert (using["is"], using["subject"], using["key"], using["chain"]) == (
        "in use",
        "CN=Acme proxies",
        "EC secp256r1",
        "CN=Acme root",
    )
    assert old["is"] == "trusted from before"
    assert main(["ca", "retire", "--all"]) == 0
    assert subjects(home.ca_certificate) == ["Acme root"]


@pytest.mark.parametrize("left_out", range(3), ids=["root", "certificate", "key"])
def test_an_import_that_lacks_a_part_leaves_the_old_ca(home: Home, files: list[str], left_out: int, said: Said) -> None:
    main(["ca"])
    before = {file.name: file.read_bytes() for file in home.ca.iterdir()}
    assert main(["ca", "import", *(file for number, file in enumerate(files) if number != left_out)]) == 2
    assert "midwatch: ca import" in said().err
    assert {file.name: file.read_bytes() for file in home.ca.iterdir()} == before


def test_an_import_of_what_is_over_or_too_much_leaves_the_old_ca(
    home: Home, files: list[str], tmp_path: Path, said: Said
) -> None:
    over, other = signer("over", lasts=DAY / 2), tmp_path / "other.pem"
    for pem, words, says in (
        (over.key_pem + over.pem, ["--overlap", "1"], "expired on"),
        (signer("x").pem, files, "CN=x is not in the chain"),
    ):
        other.write_bytes(pem)
        assert main(["ca", "import", str(other), *words]) == 2
        assert says in said().err
    assert signing(home).chain == ()


def test_a_key_that_others_can_read_or_that_is_encrypted(home: Home, tmp_path: Path, root: Signer, said: Said) -> None:
    file, password = tmp_path / "all.pem", tmp_path / "passphrase"
    file.write_bytes(root.pem + root.locked(b"open sesame"))
    file.chmod(0o644)
    password.write_text("open sesame\n")
    assert main(["ca", "import", str(file)]) == 2
    assert "`ca import` takes --passphrase-file" in said().err
    assert main(["ca", "import", str(file), "--passphrase-file", str(password)]) == 0
    assert "others may read the key there" in said().out
    assert "open sesame" not in home.ca_file.read_text()


def test_rotate_makes_another_that_waits_and_one_that_waits_can_be_dropped(home: Home, said: Said) -> None:
    assert main(["ca", "rotate", "--overlap", "3"]) == 0
    assert "until then have clients trust both" in said().out
    main(["ca", "show", "--json"])
    first, second = rows(said)
    assert second["is"].startswith("next, from ")
    assert main(["ca", "retire", first["id"]]) == 2
    assert "is the CA in use" in said().err
    assert main(["ca", "retire", "0123"]) == 2
    assert second["id"] in said().err
    assert main(["ca", "retire"]) == 2
    assert main(["ca", "retire", second["id"]]) == 0
    assert main(["ca", "retire", "--all"]) == 1
    assert kept(home).next is None
    assert main(["ca", "rotate", "--overlap", "0"]) == 0
    assert "It signs from now on; clients trust" in said().out
    assert signing(home).id not in (first["id"], second["id"])


def test_bundles_have_both_at_once(home: Home) -> None:
    main(["ca", "rotate"])
    assert len([name for name in subjects(home.client_bundle) if name.startswith("Midwatch CA")]) == 2


def test_a_ca_from_outside_is_not_changed_here(home: Home, files: list[str], said: Said) -> None:
    home.ca_file.unlink()
    home.config_file.write_text(json.dumps({"tls": {"ca": files}}))
    for words in (["rotate"], ["import", *files], ["retire", "--all"]):
        assert main(["ca", *words]) == 2
        assert "tls.ca: the CA comes from" in said().err
    assert main(["ca", "show", "--json"]) == 0
    (row,) = rows(said)
    assert row["subject"] == "CN=Acme proxies"
    assert not home.ca_file.exists()


async def test_a_house_that_runs_keeps_the_ca_that_it_was_started_with(
    home: Home, files: list[str], tmp_path: Path, said: Said
) -> None:
    config = tmp_path / "elsewhere.yaml"
    config.write_text(json.dumps({"tls": {"ca": files}}))
    settings = resolve(home, config_file=config, flags={})
    write_snapshot(settings)
    ensure_ca(home, settings.config.tls.ca)
    published = home.ca_certificate
    async with living_control(home):
        assert await asyncio.to_thread(main, ["ca", "show", "--json"]) == 0
    (row,) = rows(said)
    assert row["subject"] == "CN=Acme proxies"
    assert home.ca_certificate == published
    # Nothing runs any more, and nothing here names another CA.
    assert await asyncio.to_thread(main, ["ca", "show", "--json"]) == 0
    (row,) = rows(said)
    assert row["subject"] == "O=Midwatch,CN=Midwatch CA"


def test_it_is_exported_in_each_form(home: Home, tmp_path: Path, said: Said) -> None:
    main(["ca", "rotate"])
    said()
    for form in ("pem", "bundle", "der", "java"):
        assert main(["ca", "export", str(tmp_path / form), "--format", form]) == 0
    assert subjects(tmp_path / "pem")[0] == "Midwatch CA"
    assert len(subjects(tmp_path / "bundle")) > 2
    assert ssl.DER_cert_to_PEM_cert((tmp_path / "der").read_bytes()).split() == (
        (home.run / f"midwatch-{signing(home).id}.crt").read_text().split()
    )
    assert (tmp_path / "java").read_bytes() == home.java_store.read_bytes()
    assert main(["ca", "export", "--format", "jpeg"]) == 2
    assert main(["ca", "export", str(tmp_path / "no" / "where")]) == 2


def test_who_is_told_is_printed_as_it_is_typed(home: Home, said: Said) -> None:
    assert main(["ca", "trust", "--runtime", "node", "--runtime", "git"]) == 0
    assert said().out == (
        f"# Node.js\nexport NODE_EXTRA_CA_CERTS={home.ca_certificate}\n# NODE_USE_ENV_PROXY=1 has it heed HTTPS_PROXY\n"
        f"\n# git\ngit config --global http.sslCAInfo {home.client_bundle}\n"
        "# in place of a list of your own, if you have set one there\n\n"
    )
    assert main(["ca", "trust", "--runtime", "node", "--undo"]) == 0
    assert said().out == "# Node.js\nunset NODE_EXTRA_CA_CERTS\n\n"
    assert main(["ca", "trust", "--json"]) == 0
    names = [row["name"] for row in rows(said)]
    assert names[:7] == ["debian", "fedora", "alpine", "suse", "arch", "macos", "windows"]
    assert {"java", "docker", "aws", "deno", "go", "bun", "curl", "python"} < set(names)


def test_whom_nobody_knows_is_refused(home: Home, said: Said) -> None:
    assert main(["ca", "trust", "--runtime", "cobol"]) == 2
    assert "expected one of curl, python" in said().err
    assert main(["ca", "trust", "--do"]) == 2
    assert "say whom to tell" in said().err


def test_what_can_be_done_is_done_and_the_rest_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    asked = ["git", "config", "--global", "http.sslCAInfo"]
    assert main(["ca", "trust", "--runtime", "git", "--runtime", "node", "--do"]) == 0
    assert said().out.splitlines() == [
        f"+ git config --global http.sslCAInfo {home.client_bundle}",
        "git: done",
        "Node.js: to be done by you",
        f"export NODE_EXTRA_CA_CERTS={home.ca_certificate}",
        "# NODE_USE_ENV_PROXY=1 has it heed HTTPS_PROXY",
    ]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == str(home.client_bundle)
    for _ in range(2):
        assert main(["ca", "trust", "--runtime", "git", "--do", "--undo"]) == 0
    assert subprocess.run(asked, capture_output=True, check=False).stdout == b""


def test_a_program_that_is_not_here_is_named(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["ca", "trust", "--runtime", "git", "--do"]) == 1
    assert "git: there is no git here" in said().out


def test_a_command_that_fails_ends_it(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nexit 3\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert main(["ca", "trust", "--runtime", "git", "--do"]) == 1
    assert "git ended with 3; the rest of it was not done" in said().err


class TestDoctor:
    """What `doctor` says of it. Only openssl is on its PATH, for others take their time."""

    @pytest.fixture(autouse=True)
    def _few_programs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = shutil.which("openssl")
        assert found is not None
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "openssl").symlink_to(found)
        monkeypatch.setenv("PATH", str(programs))
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    def told(self, home: Home, *given: Path) -> dict[str, tuple[bool | None, str]]:
        return {name: (ok, says) for name, ok, says in ca_checks(home, given)}

    def test_before_the_first_start_there_is_none(self, home: Home) -> None:
        home.ca_file.unlink()
        assert self.told(home) == {"CA": (None, "none yet: made at the first start")}

    def test_one_that_is_well_says_until_when_and_who_trusts_it(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        main(["ca"])
        found = self.told(home)
        assert found["CA"][0] is True
        assert "a root; until 20" in found["CA"][1]
        assert found["CA's key"] == (True, f"{home.ca_file}: 600")
        assert found["trust: the system (openssl)"][0] is None
        assert found["trust: Python"][0] is None
        monkeypatch.setenv("SSL_CERT_FILE", str(home.client_bundle))
        assert self.told(home)["trust: Python"] == (True, "trusts the CA")

    def test_who_trusts_the_one_in_use_alone_is_told_apart(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        main(["ca"])
        monkeypatch.setenv("SSL_CERT_FILE", str(next(home.run.glob("midwatch-*.crt")).rename(home.root / "first.crt")))
        main(["ca", "rotate"])
        found = self.told(home)
        assert found["next CA"][0] is True
        assert found["trust: Python"] == (None, "trusts the CA in use, and not yet the next one: see `ca trust`")
        monkeypatch.setenv("SSL_CERT_FILE", str(home.ca_certificate))
        assert self.told(home)["trust: Python"] == (True, "trusts the CA and the next one")

    def test_what_is_wrong_fails(self, home: Home, files: list[str]) -> None:
        main(["ca", "import", *files])
        home.ca_file.chmod(0o640)
        assert self.told(home)["CA's key"] == (False, f"{home.ca_file}: others may read it: chmod 600")
        assert [name for name in self.told(home) if name.startswith("old CA")]
        home.ca_file.write_bytes(signer("x").key_pem + Path(files[1]).read_bytes())
        assert self.told(home)["CA"][0] is False
        ends = signer("ends", lasts=9 * DAY)
        home.ca_file.write_bytes(ends.key_pem + ends.pem)
        ok, says = self.told(home)["CA"]
        assert (ok, says.endswith("soon over, see `ca rotate`")) == (None, True)
        over = signer("over", begins=-9 * DAY, lasts=-DAY)
        home.ca_file.write_bytes(over.key_pem + over.pem)
        ok, says = self.told(home)["CA"]
        assert (ok, "expired on" in says) == (False, True)

    def test_the_next_one_is_looked_at_as_of_its_moment(self, home: Home) -> None:
        main(["ca"])
        ends = signer("ends", lasts=9 * DAY)
        home.next_ca_file.write_bytes(with_moment(ends.key_pem + ends.pem, NOW + 10 * DAY))
        ok, says = self.told(home)["next CA"]
        assert (ok, "expired on" in says) == (False, True)

    def test_files_from_outside_are_looked_at_too(self, home: Home, files: list[str]) -> None:
        given = [Path(file) for file in files]
        found = self.told(home, *given)
        assert "under CN=Acme root, chain complete" in found["CA"][1]
        given[2].chmod(0o644)
        keys = [(ok, says) for name, ok, says in ca_checks(home, given) if name == "CA's key"]
        assert keys[2][0] is False
        assert "everybody may read" in keys[2][1]
        assert self.told(home, *given[1:])["CA"][0] is False


def test_what_is_printed_can_be_typed_where_a_path_has_spaces(
    tmp_path: Path, made: Authority, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "my home")
    monkeypatch.setenv("MIDWATCH_HOME", str(home.root))
    home.prepare()
    write_private(home.ca_file, made.pem())
    assert main(["ca", "trust", "--runtime", "node"]) == 0
    ask = ["sh", "-c", said().out + 'printf %s "$NODE_EXTRA_CA_CERTS"']
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == str(home.ca_certificate)
    assert main(["ca", "trust", "--runtime", "docker"]) == 0
    words = shlex.split(said().out.splitlines()[1])
    assert words[3] == f"{home.ca_certificate}:/midwatch/ca.pem:ro"
    assert main(["ca"]) == 0
    assert f"NODE_EXTRA_CA_CERTS='{home.ca_certificate}'" in said().out


def test_undoing_leaves_git_a_list_that_is_not_ours(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    git = ["git", "config", "--global", "http.sslCAInfo"]
    subprocess.run([*git, "/etc/company.pem"], check=True)
    assert main(["ca", "trust", "--runtime", "git", "--do", "--undo"]) == 0
    assert subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip() == "/etc/company.pem"


def test_files_in_another_form_or_of_nobody_are_named(home: Home, tmp_path: Path, root: Signer, said: Said) -> None:
    der, key = tmp_path / "root.der", tmp_path / "root.key"
    der.write_bytes(root.certificate.public_bytes(Encoding.DER))
    key.touch(mode=0o600)
    key.write_bytes(root.key_pem)
    assert main(["ca", "import", str(der), str(key)]) == 2
    assert f"{der}: it is DER or PKCS #12; expected PEM" in said().err
    assert main(["ca", "import", "~nobody-of-this-name/ca.pem"]) == 2
    assert "there is no such user" in said().err


def test_a_passphrase_may_end_with_a_space(home: Home, tmp_path: Path, root: Signer) -> None:
    file, password = tmp_path / "all.pem", tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_bytes(root.pem + root.locked(b"open sesame "))
    password.write_text("open sesame \n")
    assert main(["ca", "import", str(file), "--passphrase-file", str(password)]) == 0
