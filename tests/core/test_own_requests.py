"""Our own requests go as calls do: through the company's proxy, in a tunnel, but for who is reached directly."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.own_requests import Way, way_to

PROXY = "http://office:${OFFICE_PASSWORD}@proxy.corp.example:3128"
PASSWORD = "p%40ss@w/rd planted-77"
LED = "http://office:p%2540ss%40w%2Frd%20planted-77@proxy.corp.example:3128"


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", PASSWORD)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:8080")  # Midwatch itself


def settings(**upstream: Any) -> dict[str, object]:
    return dict(Config.model_validate({"upstream": upstream}))


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://hooks.slack.com/services/T0/B0/xyz", LED),
        ("https://hooks.slack.com:8443/", LED),
        ("http://hooks.slack.com/", None),
        ("https://siem.corp.example/in", None),
        ("https://10.1.2.3/in", None),
        ("https://192.0.2.7/in", LED),
        ("https://localhost:4318/v1/traces", None),
        ("https://[::1]:4318/", None),
    ],
)
def test_what_leads_out_goes_through_the_proxy_and_nothing_else(url: str, proxy: str | None) -> None:
    assert way_to(url, settings(proxy=PROXY, direct=["*.corp.example", "10.0.0.0/8"])).proxy == proxy


def test_without_a_proxy_all_is_reached_directly_whatever_the_environment_says() -> None:
    assert way_to("https://hooks.slack.com/", settings()) == Way()
    assert way_to("https://hooks.slack.com/", {}) == Way()


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("https://proxy.corp.example", "https://proxy.corp.example:443"),
        ("http://[fd00::3]:3128", "http://[fd00::3]:3128"),
    ],
)
def test_a_proxy_s_url_is_whole(proxy: str, url: str) -> None:
    assert way_to("https://hooks.slack.com/", settings(proxy=proxy)).proxy == url


def test_a_password_that_is_missing_is_named_and_nothing_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "planted" not in repr(way_to("https://hooks.slack.com/", settings(proxy=PROXY)))
    monkeypatch.delenv("OFFICE_PASSWORD")
    with pytest.raises(ConfigError, match=r"upstream\.proxy.*OFFICE_PASSWORD"):
        way_to("https://hooks.slack.com/", settings(proxy=PROXY))


def test_further_cas_are_trusted_and_must_be_some(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    way = way_to("https://hooks.slack.com/", dict(Config(upstream_ca=file)))
    for text in (None, "none"):
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigError, match="upstream_ca"):
            way.trusting(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
