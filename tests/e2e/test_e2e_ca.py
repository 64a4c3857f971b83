"""The CA changes under a running house: clients that have the bundle never notice, and workers are not restarted."""

from __future__ import annotations

import shutil
import signal
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from midwatch.trust.authority import name_of
from midwatch.trust.keeping import kept
from tests.addons.trust.pki import rsa_key, signer

HOST = "api.openai.com"
CHAT = f"https://{HOST}/v1/chat/completions"
BODY = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Who signs?"}]}
# Long enough for calls on both sides of the moment.
OVERLAP_S = 4.0


def call(house: Any, trusted: Path) -> str:
    """One call over a connection of its own by a client that trusts this file alone; who signed what it was shown."""
    trust = ssl.create_default_context(cafile=str(trusted))
    with (
        httpx.Client(proxy=house.proxy, verify=trust, timeout=60) as web,
        web.stream("POST", CHAT, json=BODY) as answer,
    ):
        assert answer.status_code == 200
        shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
        answer.read()
    return str(dict(part[0] for part in shown["issuer"])["commonName"])


def copied(house: Any, name: str) -> Path:
    """What a client was given of what is published now: it does not change with it."""
    file = house.folder / name
    file.write_bytes(house.home.ca_certificate.read_bytes())
    return Path(file)


def done(house: Any, *words: str) -> str:
    ended = house.run(*words)
    assert ended.returncode == 0, ended.stderr
    assert "PRIVATE" not in ended.stdout + ended.stderr + house.log
    return str(ended.stdout)


def test_a_client_with_the_bundle_works_through_a_rotation_and_an_import(
    make_house: Any, tmp_path: Path, waiting: Any
) -> None:
    house = make_house(tls={"pinned": "refuse"})  # else who does not trust the new one would pass unread
    began = house.ask({"op": "status"})["pid"], house.log.count("ended")
    early = copied(house, "early.pem")
    assert call(house, early) == "Midwatch CA"
    done(house, "ca", "rotate", "--overlap", str(OVERLAP_S / 86400))
    both = copied(house, "both.pem")
    coming = kept(house.home)
    assert coming.next is not None
    seen = _until_it_takes_over(house, both)
    assert set(seen) == {"Midwatch CA", name_of(coming.next.certificate).rpartition("CN=")[2]}
    assert seen == sorted(seen)  # once over, never back
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        call(house, early)
    _an_import_is_verified_by_its_root_alone(house, tmp_path)
    _files_from_outside_sign_as_they_change(house, tmp_path, waiting)
    audited = done(house, "audit", "list", "--json")
    assert all(f'"{action}"' in audited for action in ("ca_rotate", "ca_take_over", "ca_import"))
    assert (house.ask({"op": "status"})["pid"], house.log.count("ended")) == began


def _until_it_takes_over(house: Any, trusted: Path) -> list[str]:
    """Calls one after the other, none of which may fail, until the next CA signs; and a few more."""
    seen = [call(house, trusted)]
    end = time.monotonic() + 60
    while seen[-1] == seen[0]:
        assert time.monotonic() < end, house.log
        seen.append(call(house, trusted))
    return [*seen, *(call(house, trusted) for _ in range(3))]


def _an_import_is_verified_by_its_root_alone(house: Any, folder: Path) -> None:
    root = signer("Acme root")
    own = signer("Acme proxies", root, key=rsa_key(), path_length=0)
    trusted, key = folder / "root.pem", folder / "proxies.pem"
    trusted.write_bytes(root.pem)
    key.touch(mode=0o600)
    key.write_bytes(own.key_pem + own.pem)
    done(house, "ca", "import", str(key), str(trusted))
    assert call(house, trusted) == "Acme proxies"
    curl = shutil.which("curl")
    assert curl is not None
    words = [
        curl,
        "-sS",
        "--proxy",
        house.proxy,
        "--cacert",
        str(trusted),
        "-o",
        "/dev/null",
        f"https://{HOST}/v1/models",
    ]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=house.environ)
    assert ended.returncode == 0, ended.stderr


def _files_from_outside_sign_as_they_change(house: Any, folder: Path, waiting: Any) -> None:
    """`tls.ca` by a reload, then another CA in the same file."""
    file, one, two = folder / "tls.pem", signer("Outside one"), signer("Outside two")
    trusted = folder / "outside.pem"
    trusted.write_bytes(one.pem + two.pem)

    def write(pem: bytes) -> None:
        fresh = folder / "fresh.pem"
        fresh.touch(mode=0o600)
        fresh.write_bytes(pem)
        fresh.replace(file)

    def published(pem: bytes) -> bool:
        return bool(house.home.ca_certificate.read_bytes().strip() == pem.strip())

    write(one.key_pem + one.pem)
    settings = yaml.safe_load(house.config_file.read_text())
    settings["tls"]["ca"] = [str(file)]
    house.config_file.write_text(yaml.safe_dump(settings))
    house.process.send_signal(signal.SIGHUP)
    waiting(lambda: published(one.pem), "the CA from outside")
    waiting(lambda: house.log.count("signed by CA") >= 3, "the worker to sign with it")
    assert call(house, trusted) == "Outside one"
    write(two.key_pem + two.pem)
    waiting(lambda: house.log.count("signed by CA") >= 4, "the worker to sign with the other")
    waiting(lambda: published(two.pem), "the other CA")
    assert call(house, trusted) == "Outside two"
