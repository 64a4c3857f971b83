"""A CA that mitmproxy is handed: what clients are shown of its chain, and another that takes over while they talk."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from midwatch.home import Home
from midwatch.lean import ALL_PATCHES
from midwatch.proxy.certifying import Certifying
from midwatch.trust import ensure_ca
from midwatch.trust.authority import Authority, Key, pem_of, read_authority
from midwatch.trust.keeping import signing, stage
from tests.addons.conftest import Proxy, StartProxy
from tests.addons.lean.conftest import Serving
from tests.addons.trust.pki import curve_key, rsa_key, signer


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    ensure_ca(made)
    return made


def imported(home: Home, key: Key) -> Authority:
    """An intermediate two below its root."""
    root = signer("root")
    upper = signer("upper", root)
    lower = signer("lower", upper, key=key)
    found = read_authority(lower.key_pem + lower.pem + upper.pem + root.pem, "test")
    stage(home, found, datetime.now(UTC))
    return found


async def shown(proxy: Proxy, upstream: Serving, trusted: Path) -> tuple[int, str]:
    """What openssl, that trusts one certificate alone, is shown in a tunnel; its exit code and what it printed."""
    where = ("-proxy", f"127.0.0.1:{proxy.port}", "-connect", f"localhost:{upstream.tls}")
    how = (
        "-CAfile",
        str(trusted),
        "-no-CApath",
        "-no-CAstore",
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
    )
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", *where, *how, "-servername", "localhost", "-showcerts"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return int(process.returncode or 0), out.decode()


def pem_file(folder: Path, certificate: x509.Certificate) -> Path:
    file = folder / "trusted.pem"
    file.write_bytes(pem_of(certificate))
    return file


@pytest.mark.parametrize("key", [rsa_key, curve_key], ids=["rsa", "curve"])
async def test_a_client_with_the_root_alone_is_shown_what_is_between(
    start_proxy: StartProxy, upstream: Serving, home: Home, tmp_path: Path, key: type[Key]
) -> None:
    found = imported(home, key())
    trusted = pem_file(tmp_path, found.anchor)
    async with start_proxy(ALL_PATCHES, tls=Certifying(home, tuple).addon) as proxy:
        code, told = await shown(proxy, upstream, trusted)
        assert code == 0, told
        assert told.count("BEGIN CERTIFICATE") == 3  # leaf, lower, upper: the root is the client's own
        curl = ("curl", "-sS", "--cacert", str(trusted), "--proxy", f"http://127.0.0.1:{proxy.port}")
        process = await asyncio.create_subprocess_exec(
            *curl, f"https://localhost:{upstream.tls}/echo", stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
    chain = next(home.run.glob("ca-chain-*.pem")).read_bytes()
    assert (chain.count(b"BEGIN CERTIFICATE"), b"PRIVATE" in chain) == (2, False)


async def test_another_takes_over_while_a_connection_goes_on(
    start_proxy: StartProxy, upstream: Serving, home: Home, tmp_path: Path
) -> None:
    first = signing(home)
    certifying = Certifying(home, tuple)
    old = pem_file(tmp_path, first.anchor)
    async with start_proxy(ALL_PATCHES, tls=certifying.addon) as proxy:
        url = f"https://localhost:{upstream.tls}/echo"
        context = ssl.create_default_context(cafile=str(old))
        async with httpx.AsyncClient(proxy=f"http://127.0.0.1:{proxy.port}", verify=context, timeout=60) as before:
            assert (await before.post(url, content=b"1")).status_code == 200
            found = imported(home, rsa_key())
            certifying.follow()
            assert (await before.post(url, content=b"2")).status_code == 200  # on the connection that it has
            assert (await shown(proxy, upstream, old))[0] != 0
            code, told = await shown(proxy, upstream, pem_file(tmp_path, found.anchor))
            assert code == 0, told


def test_one_that_can_t_be_read_leaves_the_last(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    certifying = Certifying(home, tuple)
    before = certifying.addon.certstore
    home.ca_file.write_bytes(b"gone")
    certifying.follow()
    assert certifying.addon.certstore is before
    assert "the CA in use stays" in caplog.text


def test_the_same_one_changes_nothing(home: Home) -> None:
    certifying = Certifying(home, tuple)
    before = certifying.addon.certstore
    certifying.follow()
    assert certifying.addon.certstore is before


def test_a_ca_above_that_was_renewed_is_shown_from_then_on(home: Home, tmp_path: Path) -> None:
    root = signer("root")
    upper = signer("upper", root)
    renewed, lower = signer("upper", root, key=upper.key), signer("lower", upper)
    file = tmp_path / "tls.pem"
    file.touch(mode=0o600)
    file.write_bytes(lower.key_pem + lower.pem + upper.pem + root.pem)
    certifying = Certifying(home, lambda: [file])
    file.write_bytes(lower.key_pem + lower.pem + renewed.pem + root.pem)
    certifying.follow()
    chain = next(home.run.glob("ca-chain-*.pem")).read_bytes()
    assert (renewed.pem.strip() in chain, upper.pem.strip() in chain) == (True, False)
