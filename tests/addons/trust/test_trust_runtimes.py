"""Runtimes told by what they are told: each that is here calls a server that shows a leaf of our CA."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.trust import ensure_ca, write_client_bundle
from midwatch.trust.authority import Authority, id_of, read_authority
from midwatch.trust.keeping import signing, stage
from midwatch.trust.publishing import apart
from midwatch.trust.runtimes import runtimes
from midwatch.trust.showing import shown
from midwatch.trust.steps import Anchor, Files, Way
from midwatch.trust.trying import HOST, Tried, tries
from tests.addons.trust.pki import DAY, Signer, rsa_key, signer
from tests.addons.trust.test_trust_keeping import NOW

NODE = pytest.mark.skipif(shutil.which("node") is None, reason="another language's runtime: Node.js")
JAVA = pytest.mark.skipif(shutil.which("javac") is None, reason="another language's runtime: a Java development kit")


@pytest.fixture(scope="module")
def authority(root: Signer) -> Authority:
    """An intermediate with an RSA key, as companies have them."""
    own = signer("Acme proxies RSA", root, key=rsa_key(), path_length=0)
    return read_authority(own.key_pem + own.pem + root.pem, "test")


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    with shown(authority, HOST) as found:
        yield found


@pytest.fixture
def files(home: Home, authority: Authority) -> Files:
    """In the middle of an overlap: two roots are published."""
    ensure_ca(home)
    stage(home, authority, NOW + DAY)
    anchors = [Anchor(id=id_of(item), file=file, sha1="") for file, item in apart(home).items()]
    assert len(anchors) == 2
    return Files(certificate=home.ca_certificate, bundle=write_client_bundle(home), anchors=tuple(anchors))


def way(files: Files, name: str) -> Way:
    return next(item for item in runtimes(files) if item.name == name)


def clean() -> dict[str, str]:
    ours = ("SSL_CERT", "NODE_", "CURL_", "GIT_", "REQUESTS_", "JAVA_", "MIDWATCH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def tried(who: str, environ: dict[str, str], port: int) -> Tried:
    return tries(environ)[who](port)


@pytest.mark.parametrize(
    ("who", "name"),
    [("curl", "curl"), pytest.param("Node.js", "node", marks=NODE)],
    ids=["curl", "node"],
)
def test_its_variable_has_it_trust_both_roots_and_nothing_does_without(
    files: Files, home: Home, port: int, who: str, name: str
) -> None:
    told = {**clean(), **way(files, name).variables}
    assert tried(who, clean(), port).trusts is False
    assert tried(who, told, port) == Tried(who=who, trusts=True)
    with shown(signing(home), HOST) as first:
        assert tried(who, told, first).trusts is True


def test_python_trusts_what_its_variable_names(files: Files, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    refused = tried("Python", {}, port)
    assert (refused.trusts, refused.why) == (False, "unable to get local issuer certificate")
    for name, value in way(files, "python").variables.items():
        monkeypatch.setenv(name, value)
    assert tried("Python", {}, port).trusts is True


def test_openssl_looks_at_the_system_alone(files: Files, port: int) -> None:
    found = tried("the system (openssl)", {**clean(), "SSL_CERT_FILE": str(files.bundle)}, port)
    assert (found.trusts, "unable to get local issuer certificate" in found.why) == (False, True)


@JAVA
def test_java_trusts_the_store_that_exec_gives_it(files: Files, home: Home, port: int) -> None:
    refused = tried("Java", clean(), port)
    assert refused.trusts is False
    assert "unable to find valid certification path" in refused.why
    options = f"-Djavax.net.ssl.trustStore={home.java_store} -Djavax.net.ssl.trustStoreType=PKCS12"
    assert tried("Java", {**clean(), "JAVA_TOOL_OPTIONS": options}, port).trusts is True


def test_git_is_told_and_told_otherwise(files: Files, tmp_path: Path, port: int) -> None:
    environ = {**clean(), "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    ask = ["git", "-c", f"http.curloptResolve={HOST}:{port}:127.0.0.1", "ls-remote", f"https://{HOST}:{port}/x.git"]
    without = {name: value for name, value in environ.items() if "proxy" not in name.lower()}

    def says() -> str:
        return subprocess.run(ask, capture_output=True, text=True, check=False, env=without, timeout=60).stderr

    assert "certificate" in says()
    for step in way(files, "git").adding:
        subprocess.run(step.words, check=True, env=environ)
    assert "certificate" not in says()  # what answers is no repository, which is another complaint
    for step in way(files, "git").removing * 2:
        assert subprocess.run(step.words, check=False, env=environ).returncode in step.fine
    assert "certificate" in says()


def test_every_variable_names_a_file_that_has_ours(files: Files) -> None:
    ours = files.anchors[1].file.read_bytes().strip()
    for item in runtimes(files):
        for value in item.variables.values():
            if item.name != "docker":
                assert ours in Path(value).read_bytes()
    assert f"-v {files.bundle}:/midwatch/bundle.pem:ro" in way(files, "docker").example


def test_a_bundle_that_is_in_the_environment_already_does_not_grow(
    files: Files, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files.bundle.read_bytes()
    monkeypatch.setenv("SSL_CERT_FILE", str(files.bundle))
    assert write_client_bundle(home).read_bytes().count(b"BEGIN") == before.count(b"BEGIN")
