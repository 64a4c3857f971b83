"""Libraries that ask the environment are led as our own requests are, whatever the environment said before."""

import os
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.own_environ import led, led_by

PROXY = "http://office:${OFFICE_PASSWORD}@proxy.corp.example:3128"
LED = "http://office:planted%2077@proxy.corp.example:3128"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", "planted 77")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "Ftp_Proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:8080")  # Midwatch itself
    monkeypatch.setenv("NO_PROXY", "everywhere.example")
    monkeypatch.setenv("HF_TOKEN", "kept")


def settings(**changes: Any) -> dict[str, object]:
    return dict(Config.model_validate(changes))


def proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}


def test_only_what_is_asked_for_by_https_is_led_through_the_proxy() -> None:
    direct = ["*.corp.example", "ch.example", "10.0.0.0/8", "fd00::/8", "fd00::3"]
    told = led_by(settings(upstream={"proxy": PROXY, "direct": direct}))
    with led(told):
        found = proxies()
        assert os.environ["HF_TOKEN"] == "kept"
    own = "localhost,127.0.0.0/8,127.0.0.1,::1,.corp.example,ch.example,10.0.0.0/8,fd00::3"
    assert found == {"https_proxy": LED, "HTTPS_PROXY": LED, "no_proxy": own, "NO_PROXY": own}


def test_without_a_proxy_all_is_reached_directly_whatever_the_environment_says() -> None:
    for of_house in ({}, settings()):
        with led(led_by(of_house)):
            assert proxies() == {"no_proxy": "*", "NO_PROXY": "*"}


def test_the_environment_is_as_it_was_afterwards() -> None:
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), led(led_by(settings(upstream={"proxy": PROXY}))):
        raise ZeroDivisionError
    assert dict(os.environ) == before


def test_further_cas_stand_beside_the_public_ones_while_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, own = tmp_path / "public.pem", tmp_path / "own.pem"
    public.write_text("public")
    own.write_text("own")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "before")
    with led(led_by(settings(upstream_ca=own))):
        (bundle,) = {os.environ[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
        assert Path(bundle).read_text().split() == ["public", "own"]
    assert not Path(bundle).exists()
    assert (os.environ["SSL_CERT_FILE"], os.environ["REQUESTS_CA_BUNDLE"]) == (str(public), "before")
    own.unlink()
    with pytest.raises(FileNotFoundError), led(led_by(settings(upstream_ca=own))):
        pytest.fail("it goes on without them")


def test_a_password_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OFFICE_PASSWORD")
    with pytest.raises(ConfigError, match=r"upstream\.proxy.*OFFICE_PASSWORD"):
        led_by(settings(upstream={"proxy": PROXY}))
